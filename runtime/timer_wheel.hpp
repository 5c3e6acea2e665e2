#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>
#include <type_traits>

#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {

/// Something that is to happen at a time. Lives in its owner; leaves the wheel when destroyed.
class timer_node : public list_node {
public:
    /// Called once per arming, never before its time, on the loop's thread. Resumes nothing; it may arm itself again.
    virtual void expire() noexcept = 0;

protected:
    ~timer_node() = default;

    /// For when it was last armed.
    system::clock::time_point armed_for() const noexcept { return when_; }

private:
    friend class timer_wheel;
    system::clock::time_point when_{};
};

/// A hierarchical timing wheel (Varghese and Lauck, 1987): arming and disarming cost the same with one timer and with a
/// million, and no system call. Its tick is a millisecond; a timer is never early and less than two ticks late on an idle
/// machine.
class timer_wheel {
public:
    using clock = system::clock;

    explicit timer_wheel(clock::time_point start) noexcept : start_(start) {}

    /// Times in the past expire at the next `advance`.
    void arm(timer_node& node, clock::time_point when) noexcept;

    /// Expires what is due at `now`.
    void advance(clock::time_point now) noexcept;

    /// When `advance` is to be called next, at the latest; nothing when no timer is armed. May be earlier than the first
    /// timer, never later.
    std::optional<clock::time_point> next() const noexcept;

    /// False when no timer is armed; may still be true after the last one has gone.
    bool any() const noexcept { return in_use_ != 0; }

    /// Forgets every timer without expiring it.
    void clear() noexcept;

private:
    static constexpr unsigned bits = 6;
    static constexpr unsigned slots = 1u << bits;
    static constexpr unsigned levels = 7;
    // 137 years, as far ahead as the highest level tells apart from the present: a slot short of its full circle.
    static constexpr std::uint64_t horizon = std::uint64_t{slots - 1} << (bits * (levels - 1));

    struct level {
        std::array<list<timer_node>, slots> slot;
        mutable std::uint64_t occupied = 0; // a set bit may belong to a slot that has been emptied since
    };

    struct expiry {
        unsigned level;
        unsigned slot;
        std::uint64_t tick;
    };

    std::optional<expiry> first() const noexcept;
    std::uint64_t tick_of(const timer_node& node) const noexcept;
    void place(timer_node& node) noexcept;

    clock::time_point start_;
    std::uint64_t now_ = 0;       // ticks since start_ that have been dealt with
    mutable unsigned in_use_ = 0; // levels; a set bit may belong to one that has been emptied since
    std::array<level, levels> levels_;
};

/// `duration` after `from`, rounded up; the end of the clock's time where it cannot count so far, as with the longest
/// duration there is, for "never". A duration that is negative, or no number, is none.
template <class Rep, class Period>
timer_wheel::clock::time_point later(timer_wheel::clock::time_point from,
                                     std::chrono::duration<Rep, Period> duration) noexcept {
    using clock = timer_wheel::clock;
    if constexpr (std::is_same_v<Rep, std::int64_t> && std::ratio_greater_equal_v<Period, clock::period>) { // most are
        if (duration <= duration.zero()) return from;
        if (duration >= std::chrono::floor<std::chrono::duration<Rep, Period>>(clock::time_point::max() - from))
            return clock::time_point::max();
        return from + duration;
    }
    using seconds = std::chrono::duration<double>;
    if (!(seconds(duration) > seconds::zero())) return from;
    if (seconds(duration) >= seconds(clock::time_point::max() - from)) return clock::time_point::max();
    return from + std::chrono::ceil<clock::duration>(duration);
}

} // namespace tuyau
