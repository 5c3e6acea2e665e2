#include <tuyau/runtime/deadline.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::nop;
using tuyau::deadline;
using tuyau::loop;
using tuyau::result;
using tuyau::task;
using tuyau::with_deadline;
using steady = std::chrono::steady_clock;

namespace {

task<result<void>> nap(steady::duration duration) { co_return co_await tuyau::sleep_for(duration); }

task<result<int>> ready(int value) { co_return value; }

/// Says what ended its sleep, and takes its time to go.
task<result<int>> slow_to_stop(bool& finished) {
    auto slept = co_await tuyau::sleep_for(1h);
    co_await tuyau::yield();
    co_await tuyau::yield();
    finished = true;
    if (!slept) co_return tuyau::failure(slept.error());
    co_return 1;
}

} // namespace

TEST_CASE("a task that ends in time gives its own outcome") {
    loop here;
    here.run([]() -> task<> {
        auto value = co_await with_deadline(1h, ready(7));
        CHECK(value.value() == 7);
        auto error = co_await with_deadline(1h, []() -> task<result<int>> { co_return tuyau::failure(EIO); }());
        CHECK(error.error() == std::errc::io_error);
        auto slept = co_await with_deadline(1h, nap(1ms));
        CHECK(slept);
        auto plain = co_await with_deadline(1h, []() -> task<std::string> { co_return "text"; }());
        CHECK(plain.value() == "text");
        auto nothing = co_await with_deadline(1h, []() -> task<> { co_return; }());
        CHECK(nothing);
    }());
}

TEST_CASE("a deadline stops the task, waits for it, and turns its cancellation into timed_out") {
    loop here;
    here.run([]() -> task<> {
        const auto before = steady::now();
        bool finished = false;
        auto outcome = co_await with_deadline(5ms, slow_to_stop(finished));
        CHECK(finished);
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error() == std::errc::timed_out);
        CHECK(steady::now() - before >= 5ms);
    }());
}

TEST_CASE("a task whose type holds no error times out as well") {
    loop here;
    here.run([]() -> task<> {
        auto nothing = co_await with_deadline(2ms, []() -> task<> { co_await tuyau::sleep_for(1h); }());
        REQUIRE_FALSE(nothing);
        CHECK(nothing.error() == std::errc::timed_out);
        auto number = co_await with_deadline(2ms, []() -> task<int> {
            co_await tuyau::sleep_for(1h);
            co_return 1;
        }());
        REQUIRE_FALSE(number);
        CHECK(number.error() == std::errc::timed_out);
    }());
}

TEST_CASE("a deadline in the past stops a task that waits, and not one that is ready") {
    loop here;
    here.run([]() -> task<> {
        auto late = co_await with_deadline(-1s, nap(1h));
        CHECK(late.error() == std::errc::timed_out);
        auto at_once = co_await with_deadline(0s, ready(3));
        CHECK(at_once.value() == 3);
    }());
}

TEST_CASE("the longest duration there is means never") {
    loop here;
    here.run([]() -> task<> {
        auto slept = co_await with_deadline(std::chrono::hours::max(), nap(2ms));
        CHECK(slept);
        auto again = co_await with_deadline(std::chrono::milliseconds::max(), nap(2ms));
        CHECK(again);
    }());
}

TEST_CASE("of two nested deadlines the earlier one counts, inner or outer") {
    loop here;
    here.run([]() -> task<> {
        auto inner_first = co_await with_deadline(1h, []() -> task<result<std::string>> {
            auto inner = co_await with_deadline(2ms, nap(1h));
            CHECK(inner.error() == std::errc::timed_out);
            auto after = co_await tuyau::sleep_for(1ms); // the outer task goes on
            CHECK(after);
            co_return "went on";
        }());
        CHECK(inner_first.value() == "went on");

        auto outer_first = co_await with_deadline(2ms, []() -> task<result<void>> {
            auto inner = co_await with_deadline(1h, nap(2h));
            CHECK(tuyau::is_cancelled(inner.error())); // not timed out: its own time had not come
            co_return inner;
        }());
        CHECK(outer_first.error() == std::errc::timed_out);
    }());
}

TEST_CASE("a value that arrives in the race with the deadline is delivered") {
    loop here;
    auto pipe = tests::descriptor_pair::pipe();
    tests::write_now(pipe.second(), "data");
    here.run([](loop& on, int fd) -> task<> {
        deadline limit(1h);
        auto outcome = co_await with_deadline(limit, [](loop& l, int from, deadline& until) -> task<result<int>> {
            std::array<std::byte, 8> space{};
            tuyau::scope stopper;
            stopper.spawn([](loop& inner, deadline& which) -> task<> {
                co_await tuyau::yield();
                // The read is complete by now, and its coroutine ready, but not resumed.
                inner.wait_until([&] { return inner.requests().in_flight() == 0; });
                which.expires_at(steady::now());
                co_await tuyau::sleep_for(5ms);
            }(l, until));
            auto got = co_await tuyau::read_some(from, space);
            co_await stopper.join();
            co_return got;
        }(on, fd, limit));
        CHECK(limit.expired());
        CHECK(outcome.value() == 4);
    }(here, pipe.first()));
}

TEST_CASE("a stop from outside says operation_canceled, not timed_out") {
    loop here;
    here.run([]() -> task<> {
        std::optional<result<void>> outcome;
        tuyau::scope all;
        all.spawn([](std::optional<result<void>>& to) -> task<> { to = co_await with_deadline(1h, nap(2h)); }(outcome));
        all.stop();
        co_await all.join();
        REQUIRE(outcome);
        CHECK(tuyau::is_cancelled(outcome->error()));

        std::optional<result<void>> before;
        tuyau::scope stopped;
        stopped.stop();
        stopped.spawn(
            [](std::optional<result<void>>& to) -> task<> { to = co_await with_deadline(1h, nap(2h)); }(before));
        CHECK(stopped.empty());
        CHECK(tuyau::is_cancelled(before->error()));

        deadline limit;
        tuyau::scope by_hand;
        by_hand.spawn([](deadline& until, std::optional<result<void>>& to) -> task<> {
            to = co_await with_deadline(until, nap(1h));
        }(limit, outcome));
        limit.request_stop();
        co_await by_hand.join();
        CHECK(tuyau::is_cancelled(outcome->error()));
        CHECK_FALSE(limit.expired());
    }());
}

TEST_CASE("a deadline moved later gives more time, and one moved earlier less") {
    loop here;
    here.run([]() -> task<> {
        deadline later(2ms);
        auto in_time = co_await with_deadline(later, [](deadline& own) -> task<result<void>> {
            own.expires_after(1h);
            co_return co_await tuyau::sleep_for(20ms);
        }(later));
        CHECK(in_time);
        CHECK_FALSE(later.expired());

        const auto before = steady::now();
        deadline earlier(2h);
        auto late = co_await with_deadline(earlier, [](deadline& own) -> task<result<void>> {
            own.expires_after(1h);
            own.expires_after(3ms);
            co_return co_await tuyau::sleep_for(1h);
        }(earlier));
        CHECK(late.error() == std::errc::timed_out);
        CHECK(steady::now() - before >= 3ms);

        deadline back_and_forth(2ms);
        auto third = co_await with_deadline(back_and_forth, [](deadline& own) -> task<result<void>> {
            own.expires_after(1h);
            auto first = co_await tuyau::sleep_for(10ms); // the timer has looked again by then
            CHECK(first);
            own.expires_after(2ms);
            co_return co_await tuyau::sleep_for(1h);
        }(back_and_forth));
        CHECK(third.error() == std::errc::timed_out);
    }());
}

TEST_CASE("a deadline that was cleared, or never set, does not come") {
    loop here;
    here.run([]() -> task<> {
        deadline cleared(2ms);
        auto outcome = co_await with_deadline(cleared, [](deadline& own) -> task<result<void>> {
            own.clear();
            co_return co_await tuyau::sleep_for(10ms);
        }(cleared));
        CHECK(outcome);
        deadline unset;
        auto other = co_await with_deadline(unset, nap(2ms));
        CHECK(other);
        CHECK_FALSE(unset.expired());
    }());
}

TEST_CASE("an exception of the task passes through its deadline") {
    loop here;
    here.run([]() -> task<> {
        auto thrown = []() -> task<result<int>> {
            co_await nop();
            throw std::runtime_error("through");
        };
        std::string what;
        try {
            co_await with_deadline(1h, thrown());
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "through");
    }());
}

TEST_CASE("a task under a deadline may be destroyed while it waits") {
    loop here;
    auto pipe = tests::descriptor_pair::pipe();
    here.run([](loop& on, int fd) -> task<> {
        auto token = std::make_shared<int>();
        auto read = [](int from, std::shared_ptr<int>) -> task<result<int>> {
            std::array<std::byte, 8> space{};
            co_return co_await tuyau::read_some(from, space);
        };
        auto bounded = [](task<result<int>> work) -> task<> { co_await with_deadline(1ms, std::move(work)); };
        auto gone = tests::loose::start(bounded(read(fd, token)));
        co_await nop();
        gone.destroy();
        CHECK(on.requests().in_flight() == 0);
        CHECK(token.use_count() == 1);
        co_await tuyau::sleep_for(5ms); // the deadline's time passes without it
    }(here, pipe.first()));
}

TEST_CASE("a wait limit ends the present wait of its coroutine and no later one") {
    loop here;
    here.run([]() -> task<> {
        tuyau::scope sessions;
        std::string story;
        sessions.spawn([](std::string& told) -> task<> {
            tuyau::await_chain* chain = co_await tuyau::this_chain();
            tuyau::wait_limit limit(chain);
            limit.expires_after(2ms);
            auto first = co_await tuyau::sleep_for(1h);
            told += first ? "slept " : tuyau::is_cancelled(first.error()) && limit.expired() ? "limited " : "odd ";
            auto second = co_await tuyau::sleep_for(2ms);
            told += second ? "slept " : "ended ";
            limit.expires_after(1h);
            CHECK_FALSE(limit.expired());
            auto third = co_await tuyau::sleep_for(2ms);
            told += third && !limit.expired() ? "slept " : "ended ";
            limit.interrupt(); // nothing waits
            auto fourth = co_await tuyau::sleep_for(1h);
            told += tuyau::is_cancelled(fourth.error()) && !limit.expired() ? "stopped" : "odd";
        }(story));
        co_await tests::rounds_until([&] { return story.size() >= std::string("limited slept slept ").size(); });
        sessions.stop();
        co_await sessions.join();
        CHECK(story == "limited slept slept stopped");
    }());
}

TEST_CASE("a wait limit bounds one wait under a deadline of its own, and works outside of a chain") {
    loop here;
    here.run([]() -> task<> {
        auto bounded = co_await with_deadline(1h, []() -> task<result<int>> {
            tuyau::await_chain* chain = co_await tuyau::this_chain();
            REQUIRE(chain != nullptr);
            tuyau::wait_limit limit(chain);
            limit.expires_after(2ms);
            auto slept = co_await tuyau::sleep_for(2h);
            co_return tuyau::is_cancelled(slept.error()) ? 1 : 2;
        }());
        CHECK(bounded.value() == 1);
        tuyau::wait_limit of_nobody(nullptr);
        of_nobody.expires_after(1ms);
        co_await tuyau::sleep_for(5ms);
        CHECK(of_nobody.expired());
    }());
}

TEST_CASE(
    "a result's value() that throws since the limit passed says timed_out, and every other exception is passed on") {
    loop here;
    auto insist = []() -> task<> { (co_await tuyau::sleep_for(1h)).value(); };
    auto outcome = here.run(with_deadline(1ms, insist()));
    CHECK(outcome.error() == std::errc::timed_out);
    auto fail = []() -> task<> {
        co_await tuyau::sleep_for(1h);
        throw std::system_error(std::make_error_code(std::errc::io_error));
    };
    CHECK_THROWS_AS(here.run(with_deadline(1ms, fail())), std::system_error);
}

TEST_CASE("a deadline counts from the moment it is awaited, not from the beginning of the round") {
    loop here;
    here.run([]() -> task<> {
        const auto round = loop::current().now();           // looked at, and kept for this round
        while (loop::clock::now() < round + 10ms) continue; // a coroutine that computes
        const auto begin = loop::clock::now();
        auto forever = []() -> task<result<void>> { co_return co_await tuyau::sleep_for(1h); };
        auto outcome = co_await with_deadline(5ms, forever());
        CHECK(outcome.error() == std::errc::timed_out);
        CHECK(loop::clock::now() - begin >= 5ms);
    }());
}
