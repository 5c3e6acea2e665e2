#include <tuyau/runtime/file.hpp>

#include <algorithm>

namespace tuyau {
namespace {

constexpr std::size_t largest_request = std::size_t{1} << 30; // write(2) takes no more than 0x7ffff000 bytes at once

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

} // namespace tuyau
