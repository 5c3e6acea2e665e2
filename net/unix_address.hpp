#pragma once

#include <string>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

#include <tuyau/runtime/result.hpp>

namespace tuyau {

/// Where a Unix socket is found by the processes of this machine, unix(7): a path in the file system, or an abstract name,
/// which is in no folder and goes with its listener. A value.
class unix_address {
public:
    /// `filename_too_long` past 107 bytes; `invalid_argument` for an empty path or one with a NUL.
    static result<unix_address> path(std::string_view path) noexcept;

    /// Any bytes, 1 to 107 of them; the same errors.
    static result<unix_address> abstract(std::string_view name) noexcept;

    bool is_abstract() const noexcept { return native_.sun_path[0] == '\0'; }

    /// The path; an abstract name with an `@` before it, as ss(8) shows it.
    std::string to_string() const;

    const sockaddr* native() const noexcept { return reinterpret_cast<const sockaddr*>(&native_); }
    socklen_t native_size() const noexcept { return size_; }

private:
    static result<unix_address> made_of(std::string_view bytes, bool is_abstract) noexcept;

    sockaddr_un native_{};
    socklen_t size_ = 0;
};

} // namespace tuyau
