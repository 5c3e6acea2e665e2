#include <tuyau/runtime/timer.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::result;
using tuyau::task;
using steady = std::chrono::steady_clock;

TEST_CASE("a sleep is never shorter than asked for") {
    loop here;
    here.run([]() -> task<> {
        for (auto duration : {1ns, 1000ns, 999'999ns, 1'000'001ns, 3'000'000ns}) {
            const auto before = steady::now();
            auto slept = co_await tuyau::sleep_for(duration);
            CHECK(slept);
            CHECK(steady::now() - before >= duration);
        }
    }());
}

TEST_CASE("a sleep of no time, or less, does not suspend") {
    loop here;
    here.run([]() -> task<> {
        bool others_ran = false;
        tuyau::scope others;
        others.spawn([](bool& flag) -> task<> {
            co_await tuyau::yield();
            flag = true;
        }(others_ran));
        auto zero = co_await tuyau::sleep_for(0s);
        auto less = co_await tuyau::sleep_for(-5s);
        auto past = co_await tuyau::sleep_until(steady::now() - 1h);
        auto least = co_await tuyau::sleep_for(std::chrono::hours::min());
        CHECK(zero);
        CHECK(less);
        CHECK(past);
        CHECK(least);
        CHECK_FALSE(others_ran);
        co_await others.join();
    }());
}

TEST_CASE("sleeping for the longest duration there is sleeps until it is stopped") {
    loop here;
    here.run([]() -> task<> {
        int ended = 0;
        auto nap = [](auto duration, int& count) -> task<> {
            auto slept = co_await tuyau::sleep_for(duration);
            CHECK(tuyau::is_cancelled(slept.error()));
            ++count;
        };
        tuyau::scope sleepers;
        sleepers.spawn(nap(std::chrono::nanoseconds::max(), ended));
        sleepers.spawn(nap(std::chrono::seconds::max(), ended));
        sleepers.spawn(nap(std::chrono::hours::max(), ended));
        sleepers.spawn(nap(std::chrono::duration<double>(1e300), ended));
        sleepers.spawn([](int& count) -> task<> {
            auto slept = co_await tuyau::sleep_until(steady::time_point::max());
            CHECK(tuyau::is_cancelled(slept.error()));
            ++count;
        }(ended));
        co_await tuyau::sleep_for(5ms);
        CHECK(ended == 0);
        sleepers.stop();
        co_await sleepers.join();
        CHECK(ended == 5);
    }());
}

TEST_CASE("a stop ends a sleep early, and one that came before keeps it from starting") {
    loop here;
    here.run([]() -> task<> {
        const auto before = steady::now();
        std::vector<result<void>> outcomes;
        tuyau::scope sleepers;
        auto twice = [](std::vector<result<void>>& to) -> task<> {
            auto first = co_await tuyau::sleep_for(1h);
            to.push_back(first);
            auto second = co_await tuyau::sleep_for(1h);
            to.push_back(second);
        };
        sleepers.spawn(twice(outcomes));
        sleepers.stop();
        co_await sleepers.join();
        REQUIRE(outcomes.size() == 2);
        CHECK(tuyau::is_cancelled(outcomes[0].error()));
        CHECK(tuyau::is_cancelled(outcomes[1].error()));
        CHECK(steady::now() - before < 30min);
    }());
}

TEST_CASE("sleepers wake in the order of their times") {
    loop here;
    std::vector<int> order;
    const auto sleep_all = [](std::vector<int>& woken) -> task<bool> {
        const auto start = steady::now() + 5ms;
        auto sleeper = [](steady::time_point when, int number, std::vector<int>& to) -> task<> {
            co_await tuyau::sleep_until(when);
            CHECK(steady::now() >= when);
            to.push_back(number);
        };
        std::vector<int> numbers(50);
        for (std::size_t index = 0; index < numbers.size(); ++index) numbers[index] = static_cast<int>(index);
        std::shuffle(numbers.begin(), numbers.end(), std::mt19937(1));
        tuyau::scope all;
        for (int number : numbers) all.spawn(sleeper(start + number * 1ms, number, woken));
        const bool in_time = steady::now() < start;
        co_await all.join();
        co_return in_time;
    };
    while (!here.run(sleep_all(order))) order.clear(); // some came too late to sleep: a busy machine
    REQUIRE(order.size() == 50);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a sleeper may be destroyed") {
    loop here;
    here.run([]() -> task<> {
        auto nap = []() -> task<> { co_await tuyau::sleep_for(2ms); };
        auto gone = tests::loose::start(nap());
        auto stays = tests::loose::start(nap());
        gone.destroy();
        co_await tests::rounds_until([&] { return stays.done(); });
    }());
}

TEST_CASE("an idle loop sleeps in the kernel, not in rounds") {
    loop here;
    here.run([]() -> task<> {
        const std::clock_t before = std::clock();
        co_await tuyau::sleep_for(300ms);
        CHECK(std::clock() - before < CLOCKS_PER_SEC / 10);
    }());
}

TEST_CASE("a duration added to a time is rounded up and stays within what the clock can count") {
    using tuyau::later;
    const steady::time_point now{1h};
    CHECK(later(now, 1s) == now + 1s);
    CHECK(later(now, -1s) == now);
    CHECK(later(now, std::chrono::duration<double, std::nano>(1.25)) == now + 2ns);
    CHECK(later(now, std::chrono::hours::max()) == steady::time_point::max());
    CHECK(later(now, std::chrono::hours::min()) == now);
    CHECK(later(now, steady::duration::max()) == steady::time_point::max());
}

TEST_CASE("a yield always yields, and tells of a stop") {
    loop here;
    auto outcome = here.run(tuyau::with_deadline(std::chrono::milliseconds(2), []() -> task<result<int>> {
        for (;;) {
            auto going = co_await tuyau::yield();
            if (!going) co_return tuyau::failure(going.error());
        }
    }()));
    CHECK(outcome.error() == std::errc::timed_out);
}
