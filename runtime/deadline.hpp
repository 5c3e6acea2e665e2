#pragma once

#include <cerrno>
#include <chrono>
#include <utility>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/nested_chain.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>
#include <tuyau/runtime/timer_wheel.hpp>

namespace tuyau {

/// A time at which something is to happen, which can be moved at the cost of a store when it is moved later: the timer
/// looks again when it expires. Belongs to the loop's thread.
class movable_timer : private timer_node {
public:
    using clock = loop::clock;

    /// Counted from the time of the loop's present round.
    template <class Rep, class Period>
    void expires_after(std::chrono::duration<Rep, Period> limit) noexcept {
        expires_at(later(loop::current().now(), limit));
    }

    void expires_at(clock::time_point when) noexcept {
        when_ = when;
        if (!linked() || armed_for() > when_) loop::current().arm(*this, when_);
    }

    /// It does not expire until a time is set again.
    void clear() noexcept { unlink(); }

    /// Whether the time has passed since it was last set.
    bool expired() const noexcept { return when_ == passed; }

protected:
    movable_timer() noexcept = default;
    ~movable_timer() = default;

    virtual void due() noexcept = 0;

    void expire_now() noexcept {
        unlink();
        when_ = passed;
        due();
    }

private:
    void expire() noexcept final {
        if (loop::current().now() < when_) return expires_at(when_);
        expire_now();
    }

    static constexpr clock::time_point passed = clock::time_point::min(); // in place of a time that has passed

    clock::time_point when_{};
};

/// Asks a whole task to stop when a time has passed; see `with_deadline`, which it must outlive.
class deadline final : public movable_timer {
public:
    /// A deadline that never comes, until it is set.
    deadline() noexcept = default;

    /// One that has passed already stops the task before it starts.
    explicit deadline(clock::time_point limit) noexcept {
        if (limit <= system::now())
            expire_now();
        else
            expires_at(limit);
    }

    template <class Rep, class Period>
    explicit deadline(std::chrono::duration<Rep, Period> limit) noexcept : deadline(later(system::now(), limit)) {}

    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;
    ~deadline() { require(user_ == nullptr, "a deadline was destroyed before the task that runs under it"); }

    /// Asks the task to stop now, as a stop from outside would: `operation_canceled`, not `timed_out`.
    void request_stop() noexcept {
        require(user_ == nullptr || user_ == scheduler::this_thread(),
                "a task was asked to stop on another thread than its own (see with_stop)");
        chain_.request_stop();
    }

    /// Which thread's task runs under it, if any: one at a time.
    void begin_use() noexcept {
        require(user_ == nullptr, "two tasks were run under one deadline at the same time");
        user_ = scheduler::this_thread();
    }
    void end_use() noexcept { user_ = nullptr; }

    /// The chain of the task that runs under this deadline.
    await_chain& chain() noexcept { return chain_; }

    /// Ends the deadline; ETIMEDOUT when it had passed, else 0.
    int reason() noexcept {
        clear();
        return expired() ? ETIMEDOUT : 0;
    }

private:
    void due() noexcept override { chain_.request_stop(); }

    await_chain chain_;
    const void* user_ = nullptr;
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

namespace detail {

/// A deadline that somebody else owns, as the cause of `run_under`.
class borrowed_deadline {
public:
    explicit borrowed_deadline(deadline* limit) noexcept : limit_(*limit) { limit_.begin_use(); }
    borrowed_deadline(const borrowed_deadline&) = delete;
    borrowed_deadline& operator=(const borrowed_deadline&) = delete;
    ~borrowed_deadline() { limit_.end_use(); }
    await_chain& chain() noexcept { return limit_.chain(); }
    int reason() noexcept { return limit_.reason(); }

private:
    deadline& limit_;
};

} // namespace detail

/// Runs `work` until it finishes or `limit` passes, whichever is first; then `work` is asked to stop and waited for. The
/// time counts from the moment that this task is awaited; zero or less has passed at once.
///
/// The outcome is `work`'s own. Two exceptions: when the limit passed, a `work` that ends with `operation_canceled`
/// (as a value, or thrown by a result's `value()`) becomes `timed_out`, and so does one whose type holds no error. A value
/// that arrived in the race is delivered. Stops from outside reach `work`, which ends with `operation_canceled`. Deadlines
/// nest.
template <class Rep, class Period, class T>
task<result_of<T>> with_deadline(std::chrono::duration<Rep, Period> limit, task<T> work) {
    return detail::run_under<deadline>(std::move(work), limit);
}

/// The same with a time of the loop's clock.
template <class T>
task<result_of<T>> with_deadline(loop::clock::time_point limit, task<T> work) {
    return detail::run_under<deadline>(std::move(work), limit);
}

/// The same with a deadline that can be moved while `work` runs. `limit` is for one task at a time, which it outlives.
template <class T>
task<result_of<T>> with_deadline(deadline& limit, task<T> work) {
    return detail::run_under<detail::borrowed_deadline>(std::move(work), &limit);
}

} // namespace tuyau
