#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>
#include <tuyau/runtime/timer.hpp>

namespace tuyau {

/// Times at an even distance from each other, which do not drift: each is a multiple of the period after the first,
/// however long the work between them takes.
///
///     interval second(1s);
///     while (auto passed = co_await second.next()) …
class interval {
public:
    using clock = loop::clock;

    /// The first time comes one period from now. The period must be positive.
    template <class Rep, class Period>
    explicit interval(std::chrono::duration<Rep, Period> period)
        : interval(later(system::now(), period), later({}, period).time_since_epoch()) {}

    /// A first time before the clock's beginning is the beginning.
    interval(clock::time_point first, clock::duration period)
        : next_(std::max(first, clock::time_point())), period_(period) {
        require(period > clock::duration::zero(), "an interval needs a period longer than zero");
    }

    /// Waits for the next time; how many have passed since the last call: 1, or more when whoever awaits came late. The
    /// times that were missed do not come again. `operation_canceled` when the awaiting task is asked to stop first.
    task<result<std::uint64_t>> next() {
        auto slept = co_await sleep_until(next_);
        if (!slept) co_return failure(slept.error());
        const auto late = static_cast<std::uint64_t>((system::now() - next_) / period_);
        next_ = later(next_, static_cast<clock::rep>(late + 1) * period_);
        co_return late + 1;
    }

private:
    clock::time_point next_;
    clock::duration period_;
};

} // namespace tuyau
