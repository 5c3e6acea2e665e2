#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct sockaddr;
struct statx;

/// Every system call of the runtime that does not pass through the ring, and the clock. One file, so that a simulated
/// kernel can stand in for it. Functions that return an int give a result or a negative errno.
namespace tuyau::system {

using clock = std::chrono::steady_clock;

clock::time_point now() noexcept;

/// The time of day.
std::chrono::system_clock::time_point wall_time() noexcept;

int open_socket(int family, int type, int protocol) noexcept;
int set_option(int fd, int level, int option, int value) noexcept;
int bind(int fd, const sockaddr* address, unsigned length) noexcept;
int listen(int fd, int backlog) noexcept;
int local_address(int fd, sockaddr* address, unsigned* length) noexcept;
int peer_address(int fd, sockaddr* address, unsigned* length) noexcept;
int shut_down(int fd, int how) noexcept;
void close(int fd) noexcept;

/// What the kernel knows of an open file without asking a disk or another machine (statx(2), AT_STATX_DONT_SYNC): for those
/// of this machine all there is.
int look_at_file(int fd, struct statx& told) noexcept;

/// Each with its type as readdir(3) tells it.
using folder_entries = std::vector<std::pair<std::string, unsigned char>>;

/// Appends the first `most` entries of an open folder, but for `.` and `..`, and closes it. Blocks.
int read_folder(int fd, std::size_t most, folder_entries& entries);

/// A descriptor that reads as `signalfd_siginfo` for each of `signals` (bit n - 1 for signal n), which are blocked for
/// the calling thread from here on; the mask before that goes to `previous`.
int open_signals(std::uint64_t signals, std::uint64_t* previous) noexcept;
void restore_signal_mask(std::uint64_t mask) noexcept;

/// Receives what a socket has, without waiting: how many bytes, 0 at the end of the stream.
int receive_now(int fd, void* space, std::size_t size) noexcept;

/// Sends what a socket takes without waiting: how many bytes. `more`: the next send follows, and what is no whole packet may
/// wait for it.
int send_now(int fd, const void* bytes, std::size_t size, bool more = false) noexcept;

/// Sends of an open file what a socket takes without waiting, and without copying it: how many bytes, 0 at the file's end.
/// Only for one that lies in memory: it waits for the disk where that has to be asked. From the first call on the process
/// ignores SIGPIPE, unless it handles it: sendfile(2) knows no MSG_NOSIGNAL.
int send_file_now(int fd, int file, std::uint64_t position, std::size_t size) noexcept;

/// A file that has no name, lies in memory, holds these bytes and cannot be changed any more (memfd_create(2)).
int make_memory_file(const void* bytes, std::size_t size) noexcept;

/// Whether a receive from a socket would not wait: there are bytes, the end of the stream, or an error.
bool has_input(int fd) noexcept;

/// Whether a socket's peer has ended its side, or broken the connection off.
bool hung_up(int fd) noexcept;

int open_event() noexcept;
void raise_event(int fd) noexcept;

/// For the calling thread and those that it starts; the mask before that.
std::uint64_t block_all_signals() noexcept;

/// What top(1) and debuggers show of the calling thread; cut to 15 characters.
void name_thread(const char* name) noexcept;

/// Processors that this process may run on; at least 1.
std::size_t usable_processors() noexcept;

/// Keeps the calling thread on the `index`-th of the processors that it may run on, counted round.
void pin_thread(std::size_t index) noexcept;

/// The value of kernel.io_uring_disabled; 0 also where the kernel does not have it.
int io_uring_disabled() noexcept;

/// The value of kernel.io_uring_group: a group's id, or -1 for none.
int io_uring_group() noexcept;

/// How system calls of this process are filtered: 0 not at all, 1 strictly, 2 by a seccomp filter; -1 when unknown.
int seccomp_mode() noexcept;

/// The kernel's release as uname(2) has it: for people to read, not to decide by.
std::string kernel_release();

/// The value of an environment variable; empty when it is not set.
std::string_view environment(const char* name) noexcept;

/// A resource limit; `unlimited` where there is none.
struct resource_limit {
    std::uint64_t soft;
    std::uint64_t hard;
};
inline constexpr std::uint64_t unlimited = ~std::uint64_t{0};
resource_limit locked_memory_limit() noexcept; ///< in bytes
resource_limit descriptor_limit() noexcept;

/// Raises the soft limit on locked memory to the hard one.
void raise_locked_memory_limit() noexcept;

/// Raises the soft limit on descriptors to the hard one; the limit then in force.
std::size_t raise_descriptor_limit() noexcept;

} // namespace tuyau::system
