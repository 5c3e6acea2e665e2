#pragma once

#include <cstddef>
#include <limits>
#include <mutex>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/sync/waiting.hpp>

namespace tuyau {

namespace detail {

template <class Policy>
class basic_semaphore : public waited_for<basic_semaphore<Policy>, Policy> {
public:
    static constexpr const char* destroyed_too_early = "a semaphore was destroyed while a coroutine waits for it";

    explicit basic_semaphore(std::size_t count) noexcept : count_(count) {}

    /// `result<void>`: waits for a unit and takes it; `operation_canceled`, and none is taken, when the awaiting task is
    /// asked to stop first.
    [[nodiscard]] admission<basic_semaphore> acquire() noexcept { return admission<basic_semaphore>(*this); }

    /// Takes a unit if there is one that nobody waits for.
    bool try_acquire() noexcept {
        const std::lock_guard lock(this->mutex_);
        return admit();
    }

    /// Gives `units` back, to those who have waited longest.
    void release(std::size_t units = 1) noexcept {
        const std::lock_guard lock(this->mutex_);
        require(units <= std::numeric_limits<std::size_t>::max() - count_,
                "a semaphore was given more units than it can count");
        give(units);
    }

    /// Units that are free now.
    std::size_t available() const noexcept {
        const std::lock_guard lock(this->mutex_);
        return count_;
    }

private:
    friend class admission<basic_semaphore>;

    // Whoever waits is given a unit as it comes back: one that is free is one that nobody waits for.
    bool admit() noexcept {
        if (count_ == 0) return false;
        --count_;
        return true;
    }
    void admitted_in_vain() noexcept { give(1); }

    void give(std::size_t units) noexcept {
        while (units != 0 && this->admit_next()) --units;
        count_ += units;
    }

    std::size_t count_;
};

} // namespace detail

/// A number of units that the coroutines of one loop share: first come, first served. Must outlive those who wait.
using semaphore = detail::basic_semaphore<detail::within_loop>;

namespace concurrent {

/// The same for coroutines of several loops; `try_acquire` and `release` may be called by any thread.
using semaphore = detail::basic_semaphore<detail::across_loops>;

} // namespace concurrent

} // namespace tuyau
