#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "random.hpp"

namespace simulation {

using namespace std::chrono_literals;

using clock = std::chrono::steady_clock;
using instant = clock::time_point;
using duration = clock::duration;

/// What is going to happen, and when: the only clock there is. What falls on one moment happens in any order.
class timeline {
public:
    explicit timeline(random_source& random) noexcept : random_(random) {}

    instant now() const noexcept { return now_; }

    void at(instant when, std::function<void()> event) {
        events_.emplace(std::pair(when < now_ ? now_ : when, random_.next()), std::move(event));
    }
    void after(duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }

    std::optional<instant> next() const noexcept {
        if (events_.empty()) return std::nullopt;
        return events_.begin()->first.first;
    }

    /// Goes on to the next event, which must exist, and lets it happen.
    void step() {
        auto event = events_.extract(events_.begin());
        if (now_ < event.key().first) now_ = event.key().first;
        event.mapped()();
    }

    /// Lets time pass, with all that happens in it.
    void advance(instant until) {
        while (next() && *next() <= until) step();
        if (now_ < until) now_ = until;
    }

    /// Time that the program spends; what falls into it happens when it calls the kernel.
    void pass(duration span) noexcept { now_ += span; }

    void clear() noexcept { events_.clear(); }

private:
    random_source& random_;
    instant now_{std::chrono::hours(1000)};
    std::multimap<std::pair<instant, std::uint64_t>, std::function<void()>> events_;
};

} // namespace simulation
