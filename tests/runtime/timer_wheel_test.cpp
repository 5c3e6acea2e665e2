#include <tuyau/runtime/timer_wheel.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using tuyau::timer_node;
using tuyau::timer_wheel;
using clock_type = timer_wheel::clock;
using time_point = clock_type::time_point;

namespace {

constexpr time_point start{1'000'000s};

/// A timer that notes when it expires, by a clock that the test moves.
struct noted final : timer_node {
    explicit noted(const time_point& clock) : now(clock) {}
    void expire() noexcept override {
        ++times;
        at = now;
        if (then) then();
    }
    const time_point& now;
    time_point at{};
    int times = 0;
    std::function<void()> then;
};

/// A wheel and the clock that drives it.
struct driven {
    time_point now = start;
    timer_wheel wheel{start};

    void move_to(time_point when) {
        now = when;
        wheel.advance(now);
    }
    void move_by(clock_type::duration step) { move_to(now + step); }
};

} // namespace

TEST_CASE("a wheel without timers has nothing to wait for") {
    driven one;
    CHECK_FALSE(one.wheel.next());
    one.move_by(24h);
    CHECK_FALSE(one.wheel.next());
}

TEST_CASE("a timer is never early, and expires once") {
    for (auto delay : {1ns, 999'999ns, 1'000'000ns, 1'000'001ns, 63'999'999ns, 64'000'001ns, 5'000'000'003ns}) {
        for (auto offset : {0ns, 1ns, 500'000ns, 999'999ns}) {
            driven one;
            one.move_by(offset);
            noted timer(one.now);
            const time_point due = one.now + delay;
            one.wheel.arm(timer, due);
            one.move_to(due - 1ns);
            REQUIRE(timer.times == 0);
            one.move_to(due + 1ms); // one tick later at most
            REQUIRE(timer.times == 1);
            one.move_by(24h);
            REQUIRE(timer.times == 1);
            REQUIRE_FALSE(timer.linked());
        }
    }
}

TEST_CASE("a program that sleeps until the wheel's next time is at most a tick late, wherever the timer lies") {
    for (std::int64_t milliseconds = 1; milliseconds < (std::int64_t{1} << 41);
         milliseconds = milliseconds * 3 / 2 + 1) {
        driven one;
        noted timer(one.now);
        const time_point due = start + std::chrono::milliseconds(milliseconds) - 300us;
        one.wheel.arm(timer, due);
        int naps = 0;
        while (timer.times == 0) {
            const auto next = one.wheel.next();
            REQUIRE(next);
            REQUIRE(*next <= due + 1ms);
            REQUIRE(*next > one.now);
            one.move_to(*next);
            REQUIRE(++naps <= 8); // one for each level at most
        }
        REQUIRE(timer.at >= due);
        REQUIRE(timer.at < due + 1ms);
    }
}

TEST_CASE("timers at and around every boundary between levels expire at their tick") {
    for (unsigned level = 1; level <= 6; ++level) {
        const std::int64_t boundary = std::int64_t{1} << (6 * level);
        for (std::int64_t from :
             {std::int64_t{0}, std::int64_t{1}, boundary - 1, boundary, 5 * boundary - 1, 64 * boundary - 1}) {
            for (std::int64_t step :
                 {std::int64_t{1}, boundary - 1, boundary, boundary + 1, 63 * boundary, 64 * boundary - 1}) {
                if (step > std::int64_t{63} << 36) continue; // beyond what the wheel tells apart
                driven one;
                one.move_to(start + std::chrono::milliseconds(from));
                noted timer(one.now);
                const time_point due = one.now + std::chrono::milliseconds(step);
                one.wheel.arm(timer, due);
                one.move_to(due - 1ms);
                REQUIRE(timer.times == 0);
                one.move_to(due);
                REQUIRE(timer.times == 1);
            }
        }
    }
}

TEST_CASE("timers expire in the order of their times, also when the wheel is moved over all of them at once") {
    driven one;
    std::mt19937 random(7);
    std::vector<std::int64_t> expired;
    struct ordered final : timer_node {
        void expire() noexcept override { into->push_back(number); }
        std::vector<std::int64_t>* into = nullptr;
        std::int64_t number = 0;
    };
    std::vector<std::unique_ptr<ordered>> timers;
    for (int count = 0; count < 2000; ++count) {
        timers.push_back(std::make_unique<ordered>());
        timers.back()->into = &expired;
        timers.back()->number = static_cast<std::int64_t>(random() % 1'000'000) + 1;
        one.wheel.arm(*timers.back(), start + std::chrono::milliseconds(timers.back()->number));
    }
    one.move_by(2'000'000ms);
    CHECK(expired.size() == timers.size());
    CHECK(std::is_sorted(expired.begin(), expired.end()));
}

TEST_CASE("a time in the past expires at the next tick") {
    driven one;
    one.move_by(10s);
    noted timer(one.now);
    one.wheel.arm(timer, start - 5s);
    one.move_by(1ms);
    CHECK(timer.times == 1);
    one.wheel.arm(timer, time_point::min());
    one.move_by(1ms);
    CHECK(timer.times == 2);
}

TEST_CASE("a time that no clock will ever show is waited for all the same") {
    driven one;
    one.move_by(3ms);
    noted never(one.now);
    noted century(one.now);
    one.wheel.arm(never, time_point::max());
    one.wheel.arm(century, start + std::chrono::years(100));
    REQUIRE(one.wheel.next());
    CHECK(*one.wheel.next() > start);
    one.move_by(std::chrono::years(99));
    CHECK(century.times == 0);
    one.move_by(std::chrono::years(2));
    CHECK(century.times == 1);
    CHECK(never.times == 0);
}

TEST_CASE("a timer that is armed again moves, and one that is disarmed does not expire") {
    driven one;
    noted timer(one.now);
    one.wheel.arm(timer, start + 10ms);
    one.wheel.arm(timer, start + 500ms);
    one.move_to(start + 499ms);
    CHECK(timer.times == 0);
    one.wheel.arm(timer, start + 501ms);
    one.move_to(start + 600ms);
    CHECK(timer.times == 1);
    one.wheel.arm(timer, start + 700ms);
    timer.unlink();
    one.move_to(start + 1s);
    CHECK(timer.times == 1);
    CHECK_FALSE(one.wheel.next());
}

TEST_CASE("a timer that is destroyed does not expire") {
    driven one;
    std::optional<noted> timer(one.now);
    one.wheel.arm(*timer, start + 10ms);
    timer.reset();
    one.move_by(1s);
    CHECK_FALSE(one.wheel.next());
}

TEST_CASE("a timer may arm itself again when it expires, and disarm another that is due at the same time") {
    driven one;
    noted ticking(one.now);
    noted other(one.now);
    ticking.then = [&] {
        other.unlink();
        if (ticking.times < 5) one.wheel.arm(ticking, start + ticking.times * 100ms);
    };
    one.wheel.arm(ticking, start + 7ms);
    one.wheel.arm(other, start + 7ms);
    one.move_to(start + 150ms);
    CHECK(ticking.times == 2);
    CHECK(other.times == 0);
    one.move_to(start + 10s);
    CHECK(ticking.times == 5);
}

TEST_CASE("a cleared wheel forgets its timers without expiring them") {
    driven one;
    noted soon(one.now);
    noted late(one.now);
    one.wheel.arm(soon, start + 1ms);
    one.wheel.arm(late, start + 24h);
    one.wheel.clear();
    CHECK_FALSE(one.wheel.next());
    one.move_by(48h);
    CHECK(soon.times + late.times == 0);
    one.wheel.arm(soon, one.now + 1ms);
    one.move_by(1ms);
    CHECK(soon.times == 1);
}

TEST_CASE("a hundred thousand timers are armed and disarmed, and only those left expire") {
    driven one;
    std::mt19937 random(3);
    std::vector<std::unique_ptr<noted>> timers;
    for (int count = 0; count < 100'000; ++count) {
        timers.push_back(std::make_unique<noted>(one.now));
        one.wheel.arm(*timers.back(), start + std::chrono::milliseconds(random() % 100'000 + 1));
    }
    for (std::size_t index = 0; index < timers.size(); ++index)
        if (index % 10 != 0) timers[index]->unlink();
    while (auto next = one.wheel.next()) one.move_to(*next);
    int expired = 0;
    for (std::size_t index = 0; index < timers.size(); ++index) {
        REQUIRE(timers[index]->times == (index % 10 == 0 ? 1 : 0));
        expired += timers[index]->times;
    }
    CHECK(expired == 10'000);
}

TEST_CASE("the wheel does what a sorted map does, whatever is armed, moved, disarmed and waited for") {
    for (unsigned seed = 1; seed <= 40; ++seed) {
        std::mt19937_64 random(seed);
        driven one;
        one.move_by(std::chrono::nanoseconds(random() % 1'000'000'000'000));
        constexpr std::size_t count = 50;
        std::vector<std::unique_ptr<noted>> timers;
        std::map<std::size_t, std::pair<time_point, time_point>> model; // index: when due, and when armed
        for (std::size_t index = 0; index < count; ++index) timers.push_back(std::make_unique<noted>(one.now));
        const auto some_duration = [&] {
            const unsigned magnitude = static_cast<unsigned>(random() % 40) + 10; // a microsecond to eleven days
            return std::chrono::nanoseconds(random() % (std::uint64_t{1} << magnitude));
        };
        for (int step = 0; step < 3000; ++step) {
            const std::size_t index = random() % count;
            switch (random() % 6) {
            case 0:
            case 1:
            case 2:
                model[index] = {one.now + some_duration(), one.now};
                one.wheel.arm(*timers[index], model[index].first);
                break;
            case 3:
                model.erase(index);
                timers[index]->unlink();
                break;
            default: {
                for (auto& each : timers) each->times = 0;
                const auto next = one.wheel.next();
                REQUIRE(next.has_value() == !model.empty());
                for (const auto& [which, times] : model) REQUIRE(*next <= std::max(times.first, times.second) + 1ms);
                one.move_to(random() % 2 == 0 && next ? std::max(*next, one.now) : one.now + some_duration());
                for (std::size_t each = 0; each < count; ++each) {
                    const auto known = model.find(each);
                    if (known == model.end()) {
                        REQUIRE(timers[each]->times == 0);
                        continue;
                    }
                    const auto [due, armed] = known->second;
                    if (one.now < due) REQUIRE(timers[each]->times == 0);
                    if (one.now >= due + 1ms && one.now >= armed + 1ms) REQUIRE(timers[each]->times == 1);
                    REQUIRE(timers[each]->times == (timers[each]->linked() ? 0 : 1));
                    if (timers[each]->times == 1) model.erase(known);
                }
            }
            }
        }
    }
}
