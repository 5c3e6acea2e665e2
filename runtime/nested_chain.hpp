#pragma once

#include <coroutine>
#include <system_error>
#include <type_traits>
#include <utility>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Gives the await chain that the coroutine runs in; null outside of one.
class this_chain {
public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        chain_ = chain_of(handle.promise());
        return false;
    }
    await_chain* await_resume() const noexcept { return chain_; }

private:
    await_chain* chain_ = nullptr;
};

namespace detail {

enum class outer_stops { pass, hold_off };

/// Awaits a task in a chain of its own, to which stops of the outer chain are passed on, or not.
template <class T>
class in_nested_chain final : public stoppable {
public:
    in_nested_chain(task<T>& work, await_chain& inner, outer_stops stops = outer_stops::pass)
        : inner_(inner), stops_(stops), awaiter_(work.in_chain(&inner)) {}
    in_nested_chain(const in_nested_chain&) = delete;
    in_nested_chain& operator=(const in_nested_chain&) = delete;
    ~in_nested_chain() { end_wait(); }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        if (stops_ == outer_stops::pass) outer_ = chain_of(parent.promise());
        if (outer_ != nullptr) {
            if (outer_->stop_requested()) inner_.request_stop();
            outer_->waits_for(*this);
        }
        return awaiter_.await_suspend(parent);
    }

    T await_resume() {
        end_wait();
        return awaiter_.await_resume();
    }

    void stop() noexcept override { inner_.request_stop(); }

private:
    void end_wait() noexcept {
        if (outer_ != nullptr) outer_->waits_no_more(*this);
        outer_ = nullptr;
    }

    await_chain& inner_;
    await_chain* outer_ = nullptr;
    outer_stops stops_;
    typename task<T>::awaiter awaiter_;
};

template <class T>
struct with_error {
    using type = result<T>;
};
template <class T>
struct with_error<result<T>> {
    using type = result<T>;
};

} // namespace detail

/// `T` if it is a result, else a result of it: what becomes of a task's value when the task may also be cut short.
template <class T>
using result_of = typename detail::with_error<T>::type;

namespace detail {

/// Awaits `work` in the chain of a `Cause` made from `argument`, which may cut it short: `cause.reason()` then says why as
/// an errno, else 0. A `work` cut short that ends with `operation_canceled`, as a value or thrown, or whose type holds no
/// error, gives that error; any other outcome is its own.
template <class Cause, class T, class Argument>
task<result_of<T>> run_under(task<T> work, Argument argument) {
    Cause cause(std::move(argument));
    task<T> inner = std::move(work); // goes before the chain that it runs in
    try {
        if constexpr (is_result<T>) {
            T outcome = co_await in_nested_chain<T>(inner, cause.chain());
            const int reason = cause.reason();
            if (reason != 0 && !outcome && is_cancelled(outcome.error())) co_return failure(reason);
            co_return outcome;
        } else if constexpr (std::is_void_v<T>) {
            co_await in_nested_chain<T>(inner, cause.chain());
            if (const int reason = cause.reason(); reason != 0) co_return failure(reason);
            co_return result<void>();
        } else {
            T outcome = co_await in_nested_chain<T>(inner, cause.chain());
            if (const int reason = cause.reason(); reason != 0) co_return failure(reason);
            co_return outcome;
        }
    } catch (const std::system_error& error) { // as value() of a result throws it
        const int reason = cause.reason();
        if (reason == 0 || !is_cancelled(error.code())) throw;
        co_return failure(reason);
    }
}

} // namespace detail

} // namespace tuyau
