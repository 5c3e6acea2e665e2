#include <tuyau/net/unix_address.hpp>

#include <cstddef>
#include <cstring>

namespace tuyau {

result<unix_address> unix_address::path(std::string_view path) noexcept {
    if (path.find('\0') != path.npos) return failure(std::errc::invalid_argument);
    return made_of(path, false);
}

result<unix_address> unix_address::abstract(std::string_view name) noexcept { return made_of(name, true); }

/// A path ends with a NUL, an abstract name begins with one.
result<unix_address> unix_address::made_of(std::string_view bytes, bool is_abstract) noexcept {
    unix_address made;
    if (bytes.empty()) return failure(std::errc::invalid_argument);
    if (bytes.size() >= sizeof made.native_.sun_path) return failure(std::errc::filename_too_long);
    made.native_.sun_family = AF_UNIX;
    std::memcpy(made.native_.sun_path + (is_abstract ? 1 : 0), bytes.data(), bytes.size());
    made.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + bytes.size() + 1);
    return made;
}

std::string unix_address::to_string() const {
    const std::size_t length = size_ - offsetof(sockaddr_un, sun_path) - 1;
    if (is_abstract()) return std::string("@").append(native_.sun_path + 1, length);
    return std::string(native_.sun_path, length);
}

} // namespace tuyau
