#include <tuyau/runtime/file.hpp>

#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <tuyau/runtime/open_operation.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

file_kind kind_of(unsigned mode) noexcept {
    if (S_ISREG(mode)) return file_kind::regular;
    return S_ISDIR(mode) ? file_kind::folder : file_kind::other;
}

} // namespace

task<result<void>> write_all(int fd, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        auto written = co_await write_some(fd, bytes);
        if (!written) co_return failure(written.error());
        bytes = bytes.subspan(static_cast<std::size_t>(*written));
    }
    co_return result<void>();
}

file::~file() {
    if (is_open()) system::close(fd_);
}

result<file> file::in_memory(std::string_view content) {
    const int fd = system::make_memory_file(content.data(), content.size());
    if (fd < 0) return failure(-fd);
    file made(fd);
    made.in_memory_ = true;
    return made;
}

result<file_status> file::status() const noexcept {
    struct statx told {};
    if (const int error = system::look_at_file(fd_, told); error < 0) return failure(-error);
    file_status found;
    found.kind = kind_of(told.stx_mode);
    found.size = told.stx_size;
    found.modified = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::seconds(told.stx_mtime.tv_sec) +
                                                                     std::chrono::nanoseconds(told.stx_mtime.tv_nsec));
    found.device = makedev(told.stx_dev_major, told.stx_dev_minor);
    found.number = told.stx_ino;
    found.names = told.stx_nlink;
    return found;
}

task<result<file>> open_to_append(std::string path) {
    constexpr std::uint64_t for_all_to_read = 0644; // but for the umask
    co_return co_await detail::open_operation(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0,
                                              for_all_to_read);
}

} // namespace tuyau
