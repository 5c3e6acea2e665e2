#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

namespace detail {

inline auto read_at(int fd, std::uint64_t position, std::span<std::byte> space) {
    return operation([fd, position, space](io_uring_sqe& sqe) {
        constexpr std::size_t largest = std::size_t{1} << 30; // a request counts in 32 bits
        io_uring_prep_read(&sqe, fd, space.data(), static_cast<unsigned>(std::min(space.size(), largest)), position);
    });
}

} // namespace detail

/// Reads what is there, at the file's position, up to the size of `space`; 0 at the end. For pipes, terminals and regular
/// files alike: nothing blocks the loop. `space` must live until the await is over.
inline auto read_some(int fd, std::span<std::byte> space) {
    constexpr auto at_the_position = static_cast<std::uint64_t>(-1);
    return detail::read_at(fd, at_the_position, space);
}

/// Writes of `bytes` what is taken at once, at the file's position, and behind all that is there if it was opened so: how
/// many. `bytes` must live until the await is over.
inline auto write_some(int fd, std::span<const std::byte> bytes) {
    return operation([fd, bytes](io_uring_sqe& sqe) {
        constexpr std::size_t largest = std::size_t{1} << 30;
        const auto size = static_cast<unsigned>(std::min(bytes.size(), largest));
        io_uring_prep_write(&sqe, fd, bytes.data(), size, static_cast<__u64>(-1));
    });
}

/// Writes all of `bytes` at the file's position. `bytes` must live until the await is over.
task<result<void>> write_all(int fd, std::span<const std::byte> bytes);
inline task<result<void>> write_all(int fd, std::string_view text) {
    return write_all(fd, std::as_bytes(std::span(text)));
}

enum class file_kind : unsigned char { regular, folder, other, unknown };

/// What a file was at one moment (statx(2)).
struct file_status {
    file_kind kind = file_kind::unknown;
    std::uint64_t size = 0; ///< bytes
    std::chrono::sys_time<std::chrono::nanoseconds> modified{};
    std::uint64_t device = 0;
    std::uint64_t number = 0; ///< the inode's: with the device it tells one file from another
    std::uint32_t names = 1;  ///< that lead to it; 0 once it is removed, or another has its place

    /// Whether it is the same file, and holds the same as far as this tells: its names are not compared.
    friend bool operator==(const file_status& one, const file_status& other) noexcept {
        return one.kind == other.kind && one.size == other.size && one.modified == other.modified &&
               one.device == other.device && one.number == other.number;
    }
};

/// An open file. Move-only; destroying it closes the descriptor, which nothing must be reading then. See `folder` for how
/// to open one.
class file {
public:
    file() noexcept = default;

    /// Takes over a descriptor.
    explicit file(int fd) noexcept : fd_(fd) {}
    file(file&& other) noexcept : fd_(std::exchange(other.fd_, -1)), in_memory_(other.in_memory_) {}
    file& operator=(file&& other) noexcept {
        file gone(std::exchange(fd_, std::exchange(other.fd_, -1)));
        in_memory_ = other.in_memory_;
        return *this;
    }
    ~file();

    bool is_open() const noexcept { return fd_ >= 0; }
    int fd() const noexcept { return fd_; }

    /// A file without a name that lies in memory, holds `content`, and never changes.
    static result<file> in_memory(std::string_view content);

    /// Whether it is one of those.
    bool is_in_memory() const noexcept { return in_memory_; }

    /// Gives the descriptor away.
    int release() noexcept { return std::exchange(fd_, -1); }

    /// `result<int>`: reads up to the size of `space` from `position` on; 0 at the end, or beyond it. May read less than
    /// there is. `space` must live until the await is over.
    auto read_at(std::uint64_t position, std::span<std::byte> space) const {
        return detail::read_at(fd_, position, space);
    }

    /// What it is now: at once, as the kernel knows it. Of a file on another machine that may be what it was a moment ago.
    result<file_status> status() const noexcept;

private:
    int fd_ = -1;
    bool in_memory_ = false;
};

/// Opens a file for writes that go behind all that is there, and makes one that all may read if there is none. Of a FIFO
/// it waits for who reads it.
task<result<file>> open_to_append(std::string path);

} // namespace tuyau
