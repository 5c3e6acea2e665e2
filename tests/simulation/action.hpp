#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "kernel/kernel.hpp"

namespace simulation {

/// What somebody outside the program does, as a coroutine: a peer on the network, a person at the terminal. It runs within
/// the simulated kernel, in virtual time, and none of the product's code is in it. Starts when it is awaited, or by `start`.
template <class T = void>
class [[nodiscard]] action;

namespace detail {

struct action_promise_base {
    std::coroutine_handle<> continuation = std::noop_coroutine();

    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
            return handle.promise().continuation;
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }
    [[noreturn]] void unhandled_exception() const {
        try {
            throw;
        } catch (const std::exception& error) {
            kernel::current().violation(error.what());
        }
    }
};

template <class T>
struct action_promise : action_promise_base {
    std::optional<T> value;
    action<T> get_return_object() noexcept;
    void return_value(T result) { value.emplace(std::move(result)); }
};

template <>
struct action_promise<void> : action_promise_base {
    action<void> get_return_object() noexcept;
    void return_void() const noexcept {}
};

} // namespace detail

template <class T>
class action {
public:
    using promise_type = detail::action_promise<T>;

    action(action&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    action& operator=(action&&) = delete;
    ~action() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> continuation) noexcept {
        handle_.promise().continuation = continuation;
        return handle_;
    }
    T await_resume() {
        if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
    }

    /// Begins at the present moment of virtual time; this object must live until the end.
    void start() {
        kernel::current().time().after(0ns, [handle = handle_] { handle.resume(); });
    }
    bool done() const noexcept { return handle_.done(); }

private:
    friend promise_type;
    explicit action(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

template <class T>
action<T> detail::action_promise<T>::get_return_object() noexcept {
    return action<T>(std::coroutine_handle<action_promise>::from_promise(*this));
}

inline action<void> detail::action_promise<void>::get_return_object() noexcept {
    return action<void>(std::coroutine_handle<action_promise>::from_promise(*this));
}

/// `co_await pause(5s)`: in virtual time.
inline auto pause(duration span) noexcept {
    struct awaiter {
        duration span;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) const {
            kernel::current().time().after(span, [handle] { handle.resume(); });
        }
        void await_resume() const noexcept {}
    };
    return awaiter{span};
}

} // namespace simulation
