#pragma once

#include <chrono>
#include <concepts>
#include <coroutine>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/suspension.hpp>
#include <tuyau/runtime/timer_wheel.hpp>

namespace tuyau {

/// What `sleep_for` and `sleep_until` give to co_await.
class [[nodiscard("a sleep does nothing until it is awaited")]] sleep final : public suspension, public timer_node {
public:
    explicit sleep(loop::clock::time_point until) noexcept : until_(until) {}

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (!begin_wait(handle)) {
            cancelled_ = true;
            return false;
        }
        if (until_ <= system::now()) {
            end_wait();
            return false;
        }
        loop::current().arm(*this, until_);
        return true;
    }

    result<void> await_resume() const noexcept {
        if (cancelled_) return failure(std::errc::operation_canceled);
        return {};
    }

    void expire() noexcept override { resume_soon(); }

    void stop() noexcept override {
        cancelled_ = true;
        timer_node::unlink();
        resume_soon();
    }

private:
    loop::clock::time_point until_;
    bool cancelled_ = false;
};

/// Waits until `when`, never less; `operation_canceled` when the awaiting task is asked to stop first. A time that has
/// passed does not suspend.
inline sleep sleep_until(loop::clock::time_point when) noexcept { return sleep(when); }

/// Waits for `duration` from now on. A duration of zero or less does not suspend.
template <class Rep, class Period>
sleep sleep_for(std::chrono::duration<Rep, Period> duration) noexcept {
    return sleep(later(system::now(), duration));
}

/// Lets everything else that is ready go first. `result<void>`: `operation_canceled` when the awaiting task has been asked
/// to stop, so that a loop that computes can look.
class [[nodiscard("a yield does nothing until it is awaited")]] yield final : public suspension {
public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        stopped_ = is_stopped(handle);
        begin_wait_in(handle, nullptr);
        resume_soon();
    }
    result<void> await_resume() const noexcept {
        if (stopped_) return failure(std::errc::operation_canceled);
        return {};
    }
    void stop() noexcept override {}

private:
    bool stopped_ = false;
};

} // namespace tuyau
