#pragma once

#include <mutex>

#include <tuyau/runtime/sync/waiting.hpp>

namespace tuyau {

namespace detail {

template <class Policy>
class basic_event : public waited_for<basic_event<Policy>, Policy> {
public:
    static constexpr const char* destroyed_too_early = "an event was destroyed while a coroutine waits for it";

    /// Lets everybody go on who waits, and whoever comes until `reset`.
    void set() noexcept {
        const std::lock_guard lock(this->mutex_);
        set_ = true;
        this->admit_all();
    }

    void reset() noexcept {
        const std::lock_guard lock(this->mutex_);
        set_ = false;
    }

    bool is_set() const noexcept {
        const std::lock_guard lock(this->mutex_);
        return set_;
    }

    /// `result<void>`: waits until the event is set; `operation_canceled` when the awaiting task is asked to stop first.
    [[nodiscard]] admission<basic_event> wait() noexcept { return admission<basic_event>(*this); }

private:
    friend class admission<basic_event>;
    bool admit() const noexcept { return set_; }
    void admitted_in_vain() const noexcept {}

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
