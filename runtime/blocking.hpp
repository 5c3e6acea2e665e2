#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/system.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

namespace detail {

/// Runs `work` on one of a few threads that are kept for blocking calls, in order of arrival.
void on_blocking_thread(std::function<void()> work);

/// A descriptor that another thread raises, shared with it.
class thread_event {
public:
    thread_event() noexcept : fd_(system::open_event()) {}
    thread_event(const thread_event&) = delete;
    thread_event& operator=(const thread_event&) = delete;
    ~thread_event() {
        if (fd_ >= 0) system::close(fd_);
    }
    int fd() const noexcept { return fd_; }

private:
    int fd_;
};

} // namespace detail

/// Runs `call` on a thread kept for calls that block, while the loop goes on; its value. Its exceptions are thrown here.
///
/// When the awaiting task is asked to stop, or destroyed, the call is forgotten, not interrupted: it must own all that it
/// uses. At most `blocking_threads` calls run at once in a process, the others wait for their turn.
inline constexpr unsigned blocking_threads = 4;

template <class Call>
    requires(!std::is_void_v<std::invoke_result_t<Call&>>)
task<result<std::invoke_result_t<Call&>>> blocking(Call call) {
    using value = std::invoke_result_t<Call&>;
    struct shared {
        explicit shared(Call&& given) : call(std::move(given)) {}
        Call call;
        std::optional<value> outcome;
        std::exception_ptr error;
        std::atomic<bool> finished = false;
        detail::thread_event done;
    };
    auto state = std::make_shared<shared>(std::move(call));
    if (state->done.fd() < 0) co_return failure(-state->done.fd());
    detail::on_blocking_thread([state] {
        try {
            state->outcome.emplace(state->call());
        } catch (...) {
            state->error = std::current_exception();
        }
        state->finished.store(true, std::memory_order_release);
        system::raise_event(state->done.fd());
    });
    std::uint64_t count = 0;
    auto raised = co_await read_some(state->done.fd(), std::as_writable_bytes(std::span(&count, 1)));
    if (!raised) co_return failure(raised.error());
    state->finished.wait(false,
                         std::memory_order_acquire); // true by now; what the language knows of the threads' order
    if (state->error) std::rethrow_exception(state->error);
    co_return std::move(*state->outcome);
}

} // namespace tuyau
