#pragma once

#include <mutex>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/sync/waiting.hpp>

namespace tuyau {

namespace detail {

template <class Policy>
class basic_event {
public:
    using policy = Policy;

    basic_event() noexcept = default;
    basic_event(const basic_event&) = delete;
    basic_event& operator=(const basic_event&) = delete;
    ~basic_event() {
        const std::lock_guard lock(mutex_); // who woke the last waiter may not have let go of it yet
        require(waiting_.empty(), "an event was destroyed while a coroutine waits for it");
    }

    /// Lets everybody go on who waits, and whoever comes until `reset`.
    void set() noexcept {
        const std::lock_guard lock(mutex_);
        set_ = true;
        while (auto* next = waiting_.pop_front()) static_cast<admission<basic_event>&>(*next).admit();
    }

    void reset() noexcept {
        const std::lock_guard lock(mutex_);
        set_ = false;
    }

    bool is_set() const noexcept {
        const std::lock_guard lock(mutex_);
        return set_;
    }

    /// `result<void>`: waits until the event is set; `operation_canceled` when the awaiting task is asked to stop first.
    [[nodiscard]] admission<basic_event> wait() noexcept { return admission<basic_event>(*this); }

private:
    friend class admission<basic_event>;
    bool admit() const noexcept { return set_; }
    void admitted_in_vain() const noexcept {}

    mutable typename Policy::lockable mutex_;
    list<typename Policy::node> waiting_;
    bool set_ = false;
};

} // namespace detail

/// A flag that the coroutines of one loop can wait for. Must outlive those who wait.
using event = detail::basic_event<detail::within_loop>;

namespace concurrent {

/// The same for coroutines of several loops; `set` and `reset` may be called by any thread.
using event = detail::basic_event<detail::across_loops>;

} // namespace concurrent

} // namespace tuyau
