#include <tuyau/runtime/file.hpp>

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr std::size_t largest_request = std::size_t{1} << 30; // write(2) takes no more than 0x7ffff000 bytes at once

file_kind kind_of(unsigned mode) noexcept {
    if (S_ISREG(mode)) return file_kind::regular;
    return S_ISDIR(mode) ? file_kind::folder : file_kind::other;
}

} // namespace

task<result<void>> write_all(int fd, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        auto written = co_await operation([&](io_uring_sqe& sqe) {
            const auto size = static_cast<unsigned>(std::min(bytes.size(), largest_request));
            io_uring_prep_write(&sqe, fd, bytes.data(), size, static_cast<__u64>(-1));
        });
        if (!written) co_return failure(written.error());
        bytes = bytes.subspan(static_cast<std::size_t>(*written));
    }
    co_return result<void>();
}

file::~file() {
    if (is_open()) system::close(fd_);
}

task<result<file_status>> file::status() const {
    struct statx told{};
    auto asked = co_await operation([fd = fd_, &told](io_uring_sqe& sqe) {
        io_uring_prep_statx(&sqe, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE | STATX_MTIME | STATX_INO, &told);
    });
    if (!asked) co_return failure(asked.error());
    file_status found;
    found.kind = kind_of(told.stx_mode);
    found.size = told.stx_size;
    found.modified = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::seconds(told.stx_mtime.tv_sec) +
                                                                     std::chrono::nanoseconds(told.stx_mtime.tv_nsec));
    found.device = makedev(told.stx_dev_major, told.stx_dev_minor);
    found.number = told.stx_ino;
    co_return found;
}

} // namespace tuyau
