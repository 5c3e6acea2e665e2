#pragma once

#include <chrono>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>
#include <tuyau/runtime/timer_wheel.hpp>

namespace tuyau {

/// A time at which something is to happen, which can be moved at the cost of a store when it is moved later: the timer
/// looks again when it expires. Belongs to the loop's thread.
class movable_timer : private timer_node {
public:
    using clock = loop::clock;

    template <class Rep, class Period>
    void expires_after(std::chrono::duration<Rep, Period> limit) noexcept {
        expires_at(later(loop::current().now(), limit));
    }

    void expires_at(clock::time_point when) noexcept {
        when_ = when;
        expired_ = false;
        if (linked() && armed_for_ <= when_) return;
        armed_for_ = when_;
        loop::current().arm(*this, when_);
    }

    /// It does not expire until a time is set again.
    void clear() noexcept { unlink(); }

    /// Whether the time has passed since it was last set.
    bool expired() const noexcept { return expired_; }

protected:
    movable_timer() noexcept = default;
    ~movable_timer() = default;

    virtual void due() noexcept = 0;

private:
    void expire() noexcept final {
        if (loop::current().now() < when_) return expires_at(when_);
        expired_ = true;
        due();
    }

    clock::time_point when_{};
    clock::time_point armed_for_{};
    bool expired_ = false;
};

/// Asks a whole task to stop when a time has passed; see `with_deadline`, which it must outlive.
class deadline final : public movable_timer {
public:
    /// A deadline that never comes, until it is set.
    deadline() noexcept = default;

    template <class Rep, class Period>
    explicit deadline(std::chrono::duration<Rep, Period> limit) noexcept {
        expires_after(limit);
    }

    /// Asks the task to stop now, as a stop from outside would: `operation_canceled`, not `timed_out`.
    void request_stop() noexcept { chain_.request_stop(); }

    /// The chain of the task that runs under this deadline.
    await_chain& chain() noexcept { return chain_; }

private:
    void due() noexcept override { chain_.request_stop(); }

    await_chain chain_;
};

/// Bounds the single waits of the coroutine that it was made for: the wait that is under way when the time has passed
/// ends with `operation_canceled`, and the coroutine goes on. A wait that ends with data in the same moment leaves only
/// `expired()` behind, so look at that too. A session moves one limit before each of its waits:
///
///     wait_limit limit(co_await this_chain());
///     limit.expires_after(10s);
///     auto request = co_await client.receive();
class wait_limit final : public movable_timer {
public:
    explicit wait_limit(await_chain* chain) noexcept : chain_(chain) {}

    /// Ends the present wait now.
    void interrupt() noexcept {
        if (chain_ != nullptr) chain_->interrupt();
    }

private:
    void due() noexcept override { interrupt(); }

    await_chain* chain_;
};

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

/// Awaits a task in a chain of its own, passing stops of the outer chain on to it.
template <class T>
class in_inner_chain final : public stoppable {
public:
    in_inner_chain(task<T>& work, await_chain& inner) : inner_(inner), awaiter_(work.in_chain(&inner)) {}
    in_inner_chain(const in_inner_chain&) = delete;
    in_inner_chain& operator=(const in_inner_chain&) = delete;
    ~in_inner_chain() { end_wait(); }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        outer_ = chain_of(parent.promise());
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

/// Runs `work` until it finishes or `limit` passes, whichever is first; then `work` is asked to stop and waited for.
///
/// The outcome is `work`'s own. Two exceptions: when the limit passed, a `work` that ends with `operation_canceled`
/// becomes `timed_out`, and so does one whose type holds no error. A value that arrived in the race is delivered. Stops
/// from outside reach `work`, which ends with `operation_canceled`. Deadlines nest.
template <class T>
task<typename detail::with_error<T>::type> with_deadline(deadline& limit, task<T> work) {
    if constexpr (is_result<T>) {
        T outcome = co_await detail::in_inner_chain<T>(work, limit.chain());
        limit.clear();
        if (limit.expired() && !outcome && is_cancelled(outcome.error())) co_return failure(std::errc::timed_out);
        co_return outcome;
    } else if constexpr (std::is_void_v<T>) {
        co_await detail::in_inner_chain<T>(work, limit.chain());
        limit.clear();
        if (limit.expired()) co_return failure(std::errc::timed_out);
        co_return result<void>();
    } else {
        T outcome = co_await detail::in_inner_chain<T>(work, limit.chain());
        limit.clear();
        if (limit.expired()) co_return failure(std::errc::timed_out);
        co_return outcome;
    }
}

template <class Rep, class Period, class T>
task<typename detail::with_error<T>::type> with_deadline(std::chrono::duration<Rep, Period> limit, task<T> work) {
    deadline ends(limit);
    co_return co_await with_deadline(ends, std::move(work));
}

} // namespace tuyau
