#include <chrono>
#include <cstdint>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/interval.hpp>

#include "helpers.hpp"

using namespace std::chrono_literals;
using tuyau::interval;
using tuyau::loop;
using tuyau::result;
using tuyau::task;

TEST_CASE("an interval counts every period that has passed, and does not drift") {
    loop here;
    here.run([]() -> task<> {
        const auto begin = loop::clock::now();
        interval every(begin + 5ms, 5ms);
        std::uint64_t passed = 0;
        for (int turn = 0; turn < 20; ++turn) {
            auto count = co_await every.next();
            REQUIRE(count);
            CHECK(*count >= 1);
            passed += *count;
            // Never early, whatever went before: the times lie on the grid, not a period after each other's end.
            CHECK(loop::clock::now() >= begin + static_cast<int>(passed) * 5ms);
        }
        CHECK(passed >= 20);
    }());
}

TEST_CASE("an interval that was not awaited in time tells how many periods went by, and goes on at once") {
    loop here;
    here.run([]() -> task<> {
        const auto now = loop::clock::now();
        interval every(now - 95ms, 10ms);
        auto late = co_await every.next();
        REQUIRE(late);
        CHECK(*late >= 10); // those at -95, -85, … -5
        CHECK(loop::clock::now() >= now);
    }());
}

TEST_CASE("waiting for the next time of an interval may be stopped") {
    loop here;
    interval every(1h);
    auto outcome = here.run(tuyau::with_deadline(1ms, every.next()));
    CHECK(outcome.error() == std::errc::timed_out);
}

TEST_CASE("an interval without length is a broken contract") {
    CHECK(tests::broken_contract_of([] { interval every(0ms); }) == "an interval needs a period longer than zero");
    CHECK(tests::broken_contract_of([] { interval every(-1s); }) == "an interval needs a period longer than zero");
}
