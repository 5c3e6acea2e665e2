#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <tuyau/runtime/features.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/task.hpp>
#include <tuyau/runtime/timer.hpp>

namespace tests {

/// How a forked child ended, and what it wrote to standard error.
struct child_outcome {
    int exit_code = -1; ///< or -1 when a signal ended it
    int signal = 0;
    std::string errors;
};

/// Runs `work` in a forked child, whose exit code is what `work` returns; an exception is written to standard error and
/// gives 99. For what ends a process or changes it for good.
child_outcome in_child(const std::function<int()>& work);

/// The sentence with which a broken contract ended the child; empty when it did not end so.
std::string broken_contract_of(const std::function<void()>& work);

/// Whether a loop of this process uses it: the kernel has it, and the environment does not switch it off.
bool in_use(tuyau::feature which);

/// What to do without: nothing, each feature alone, both kinds of deferred completions, and everything.
std::vector<tuyau::feature_set> every_way();

/// From here on this process's system calls `call` fail with `error`; of io_uring_register and its like, whose second
/// argument says what they are to do, only those with `what`.
void forbid(long call, int error, std::optional<unsigned> what = std::nullopt);

/// Descriptors that this process has open.
std::size_t open_descriptors();

/// Two connected descriptors, closed at the end.
class descriptor_pair {
public:
    static descriptor_pair pipe();    ///< read from `first`, write to `second`
    static descriptor_pair sockets(); ///< a UNIX stream socket pair
    static descriptor_pair tcp();     ///< the two ends of a TCP connection over loopback
    descriptor_pair(descriptor_pair&& other) noexcept : fds_(std::exchange(other.fds_, {-1, -1})) {}
    descriptor_pair& operator=(descriptor_pair&&) = delete;
    ~descriptor_pair();

    int first() const noexcept { return fds_[0]; }
    int second() const noexcept { return fds_[1]; }

    /// Gives a descriptor away.
    int take_first() noexcept { return std::exchange(fds_[0], -1); }
    int take_second() noexcept { return std::exchange(fds_[1], -1); }

private:
    explicit descriptor_pair(std::array<int, 2> fds) noexcept : fds_(fds) {}
    std::array<int, 2> fds_;
};

/// Blocking, without the ring: writes all of `text`, reads exactly `size` bytes.
void write_now(int fd, std::string_view text);
std::string read_now(int fd, std::size_t size);

/// Whether `condition` comes true, given a minute. For what another thread or the kernel does in its own time.
template <class Condition>
bool eventually(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::yield();
    }
    return true;
}

/// Lets the loop go round until `condition` holds.
template <class Condition>
tuyau::task<> rounds_until(Condition condition) {
    while (!condition()) co_await tuyau::yield();
}

/// A coroutine that starts at once and that its owner may destroy wherever it is suspended; it is in no chain, so no stop
/// reaches it.
class loose {
public:
    struct promise_type : tuyau::frame_pool::pooled {
        loose get_return_object() noexcept { return loose(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };

    /// Runs `work` until it first suspends.
    static loose start(tuyau::task<> work) {
        loose started = run(std::move(work));
        tuyau::trampoline::run(started.handle_);
        return started;
    }

    loose(loose&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    loose& operator=(loose&&) = delete;
    ~loose() { destroy(); }

    bool done() const noexcept { return handle_.done(); }

    void destroy() noexcept {
        if (auto handle = std::exchange(handle_, nullptr)) handle.destroy();
    }

private:
    explicit loose(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    static loose run(tuyau::task<> work) { co_await std::move(work); }

    std::coroutine_handle<promise_type> handle_;
};

/// A request that does nothing and completes at once.
inline auto nop() {
    return tuyau::operation([](io_uring_sqe& sqe) { io_uring_prep_nop(&sqe); });
}

} // namespace tests
