#pragma once

#include <coroutine>
#include <utility>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>

namespace tuyau {

namespace detail {

template <class Policy>
class basic_mutex {
public:
    /// Ownership of a mutex, which ends with it. Move-only.
    class guard {
    public:
        guard() noexcept = default;
        guard(guard&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        guard& operator=(guard&& other) noexcept {
            if (this != &other) {
                unlock();
                owner_ = std::exchange(other.owner_, nullptr);
            }
            return *this;
        }
        ~guard() { unlock(); }

        bool owns_lock() const noexcept { return owner_ != nullptr; }

        /// Before the end of this object's life; nothing if it owns nothing.
        void unlock() noexcept {
            if (owner_ != nullptr) std::exchange(owner_, nullptr)->unit_.release();
        }

    private:
        friend class basic_mutex;
        explicit guard(basic_mutex& owner) noexcept : owner_(&owner) {}
        basic_mutex* owner_ = nullptr;
    };

    basic_mutex() noexcept = default;
    basic_mutex(const basic_mutex&) = delete;
    basic_mutex& operator=(const basic_mutex&) = delete;
    ~basic_mutex() { require(unit_.available() == 1, "a mutex was destroyed while it was locked"); }

    class [[nodiscard("nothing is locked until this is awaited")]] lock_operation {
    public:
        explicit lock_operation(basic_mutex& owner) noexcept : owner_(owner), unit_(owner.unit_) {}
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        bool await_suspend(std::coroutine_handle<Promise> handle) {
            return unit_.await_suspend(handle);
        }
        result<guard> await_resume() noexcept {
            auto taken = unit_.await_resume();
            if (!taken) return failure(taken.error());
            return guard(owner_);
        }

    private:
        basic_mutex& owner_;
        admission<basic_semaphore<Policy>> unit_;
    };

    /// `result<guard>`: waits until nobody owns the mutex; `operation_canceled` when the awaiting task is asked to stop
    /// first. Not recursive.
    [[nodiscard]] lock_operation lock() noexcept { return lock_operation(*this); }

    /// Ownership if nobody has it, else a guard that owns nothing.
    [[nodiscard]] guard try_lock() noexcept { return unit_.try_acquire() ? guard(*this) : guard(); }

private:
    basic_semaphore<Policy> unit_{1};
};

} // namespace detail

/// Mutual exclusion of the coroutines of one loop, across their awaits: first come, first served.
/// `auto held = co_await mutex.lock();` Must outlive its guards and those who wait.
using mutex = detail::basic_mutex<detail::within_loop>;

namespace concurrent {

/// The same for coroutines of several loops; a guard may be let go by any thread.
using mutex = detail::basic_mutex<detail::across_loops>;

} // namespace concurrent

} // namespace tuyau
