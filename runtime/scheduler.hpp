#pragma once

#include <tuyau/runtime/list.hpp>

namespace tuyau {

class suspension;

namespace detail {
class handover;
}

/// The coroutines of one loop that are ready to go on, in the order in which they became so.
struct scheduler {
    list<suspension> ready;

    /// Of the tasks that other loops handed to this one, that whose coroutines run at this moment, if any.
    const detail::handover* visitor = nullptr;

    /// That of the calling thread's loop, or null.
    static scheduler* current() noexcept { return current_; }

    static scheduler* exchange_current(scheduler* next) noexcept {
        scheduler* before = current_;
        current_ = next;
        return before;
    }

    /// An address that each thread has for itself: which thread something belongs to, at the cost of a pointer.
    static const void* this_thread() noexcept { return &current_; }

private:
    static inline constinit thread_local scheduler* current_ = nullptr;
};

} // namespace tuyau
