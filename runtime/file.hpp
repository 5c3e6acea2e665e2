#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Reads what is there, at the file's position, up to the size of `space`; 0 at the end. For pipes, terminals and regular
/// files alike: nothing blocks the loop. `space` must live until the await is over.
inline auto read_some(int fd, std::span<std::byte> space) {
    return operation([fd, space](io_uring_sqe& sqe) {
        constexpr auto at_the_position = static_cast<__u64>(-1);
        constexpr std::size_t largest = std::size_t{1} << 30; // a request counts in 32 bits
        io_uring_prep_read(&sqe, fd, space.data(), static_cast<unsigned>(std::min(space.size(), largest)),
                           at_the_position);
    });
}

/// Writes all of `bytes` at the file's position. `bytes` must live until the await is over.
task<result<void>> write_all(int fd, std::span<const std::byte> bytes);
inline task<result<void>> write_all(int fd, std::string_view text) {
    return write_all(fd, std::as_bytes(std::span(text)));
}

} // namespace tuyau
