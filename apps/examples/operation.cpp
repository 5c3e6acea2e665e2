// operation() awaits any request of io_uring, as a function fills it in: the way to what the library has no name for. A
// stop or a deadline cancels it in the kernel, like every other wait.
//
// Prints how a poll of an eventfd ends that nobody writes to, and one that somebody writes to meanwhile.

#include <chrono>
#include <tuple>

#include <fmt/format.h>

#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

/// Waits until a descriptor of any kind has something to read: of another library, for instance.
task<result<int>> readable(int fd) {
    co_return co_await operation([fd](io_uring_sqe& sqe) { io_uring_prep_poll_add(&sqe, fd, POLLIN); });
}

task<> write_later(int fd) {
    co_await sleep_for(1ms);
    ::eventfd_write(fd, 1);
}

task<> show() {
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    auto ready = co_await with_deadline(10ms, readable(fd));
    fmt::print("nobody writes: {}\n", ready ? "readable" : ready.error().message());
    std::tie(ready, std::ignore) = co_await when_all(readable(fd), write_later(fd));
    fmt::print("somebody writes: {}\n", ready ? "readable" : ready.error().message());
    ::close(fd);
}

} // namespace

int main() { return tuyau::run(show()); }
