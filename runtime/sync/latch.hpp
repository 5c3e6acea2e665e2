#pragma once

#include <cstddef>
#include <mutex>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/sync/waiting.hpp>

namespace tuyau {

namespace detail {

template <class Policy>
class basic_latch : public waited_for<basic_latch<Policy>, Policy> {
public:
    static constexpr const char* destroyed_too_early = "a latch was destroyed while a coroutine waits for it";

    explicit basic_latch(std::size_t count) noexcept : count_(count) {}

    /// Counts down; at zero everybody goes on who waits. Not below zero.
    void count_down(std::size_t by = 1) noexcept {
        const std::lock_guard lock(this->mutex_);
        require(by <= count_, "a latch was counted down below zero");
        count_ -= by;
        if (count_ == 0) this->admit_all();
    }

    bool is_down() const noexcept {
        const std::lock_guard lock(this->mutex_);
        return count_ == 0;
    }

    /// `result<void>`: waits until the count is zero; `operation_canceled` when the awaiting task is asked to stop first.
    [[nodiscard]] admission<basic_latch> wait() noexcept { return admission<basic_latch>(*this); }

    class arrival;

    /// `result<void>`: counts down by one when it is awaited, and waits for the others.
    [[nodiscard]] arrival arrive_and_wait() noexcept { return arrival(*this); }

private:
    friend class admission<basic_latch>;
    bool admit() const noexcept { return count_ == 0; }
    void admitted_in_vain() const noexcept {}

    std::size_t count_;
};

template <class Policy>
class [[nodiscard("nobody has arrived until this is awaited")]] basic_latch<Policy>::arrival {
public:
    explicit arrival(basic_latch& owner) noexcept : owner_(owner), zero_(owner) {}

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        owner_.count_down();
        return zero_.await_suspend(handle);
    }

    result<void> await_resume() noexcept { return zero_.await_resume(); }

private:
    basic_latch& owner_;
    admission<basic_latch> zero_;
};

} // namespace detail

/// A count that goes down to zero once, and lets those coroutines of one loop go on who wait for that. Must outlive them.
using latch = detail::basic_latch<detail::within_loop>;

namespace concurrent {

/// The same for coroutines of several loops; `count_down` may be called by any thread.
using latch = detail::basic_latch<detail::across_loops>;

} // namespace concurrent

} // namespace tuyau
