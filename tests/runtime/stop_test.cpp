#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/stop.hpp>

#include "helpers.hpp"

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::result;
using tuyau::task;

namespace {

task<result<int>> sleep_and_give(int value) {
    auto slept = co_await tuyau::sleep_for(1h);
    if (!slept) co_return tuyau::failure(slept.error());
    co_return value;
}

task<result<int>> give(int value) { co_return value; }
task<> sleep_long() { co_await tuyau::sleep_for(1h); }
task<int> sleep_then_give(int value) {
    co_await tuyau::sleep_for(1h);
    co_return value;
}

} // namespace

TEST_CASE("a token that is stopped ends the task that runs under it") {
    loop here;
    std::stop_source source;
    auto outcome = here.run([](std::stop_source& from) -> task<std::optional<result<int>>> {
        std::optional<result<int>> to;
        tuyau::scope children;
        children.spawn([](std::stop_token token, std::optional<result<int>>& into) -> task<> {
            into.emplace(co_await tuyau::with_stop(token, sleep_and_give(1)));
        }(from.get_token(), to));
        from.request_stop();
        co_await children.join();
        co_return to;
    }(source));
    REQUIRE(outcome);
    REQUIRE_FALSE(*outcome);
    CHECK(tuyau::is_cancelled(outcome->error()));
}

TEST_CASE("a token may be stopped by another thread while the loop sleeps") {
    loop here;
    std::stop_source source;
    std::jthread stopper;
    auto outcome = here.run([](std::stop_source& from, std::jthread& thread) -> task<result<int>> {
        thread = std::jthread([from]() mutable { from.request_stop(); });
        co_return co_await tuyau::with_stop(from.get_token(), sleep_and_give(1));
    }(source, stopper));
    REQUIRE_FALSE(outcome);
    CHECK(tuyau::is_cancelled(outcome.error()));
}

TEST_CASE("threads that stop tokens while their tasks end by themselves do no harm") {
    loop here;
    for (int round = 0; round < 300; ++round) {
        std::stop_source source;
        std::jthread stopper([&] { source.request_stop(); });
        auto outcome = here.run(tuyau::with_stop(source.get_token(), give(round)));
        REQUIRE(outcome);
        CHECK(*outcome == round);
    }
}

TEST_CASE("a token that was stopped before stops the task from its start") {
    loop here;
    std::stop_source source;
    source.request_stop();
    CHECK_FALSE(here.run(tuyau::with_stop(source.get_token(), sleep_and_give(1))));
    // A value that needs no waiting is a value all the same.
    CHECK(here.run(tuyau::with_stop(source.get_token(), give(2))) == 2);
}

TEST_CASE("a task whose type holds no error says that its token was stopped") {
    loop here;
    std::stop_source source;
    source.request_stop();
    auto nothing = here.run(tuyau::with_stop(source.get_token(), sleep_long()));
    auto number = here.run(tuyau::with_stop(source.get_token(), sleep_then_give(1)));
    CHECK(tuyau::is_cancelled(nothing.error()));
    CHECK(tuyau::is_cancelled(number.error()));
}

TEST_CASE("a token that can never be stopped changes nothing") {
    loop here;
    CHECK(here.run(tuyau::with_stop(std::stop_token(), give(3))) == 3);
}

TEST_CASE("stops and deadlines nest, and the one that came is the one that is told") {
    loop here;
    std::stop_source source;
    auto timed_out = here.run(tuyau::with_stop(source.get_token(), tuyau::with_deadline(1ms, sleep_and_give(1))));
    CHECK(timed_out.error() == std::errc::timed_out);
    auto outer_deadline = here.run(tuyau::with_deadline(1ms, tuyau::with_stop(source.get_token(), sleep_and_give(1))));
    CHECK(outer_deadline.error() == std::errc::timed_out);
    source.request_stop();
    auto stopped = here.run(tuyau::with_deadline(1h, tuyau::with_stop(source.get_token(), sleep_and_give(1))));
    CHECK(tuyau::is_cancelled(stopped.error()));
    auto inner_deadline = here.run(tuyau::with_stop(source.get_token(), tuyau::with_deadline(1h, sleep_and_give(1))));
    CHECK(tuyau::is_cancelled(inner_deadline.error()));
}

TEST_CASE("a task under a token may be destroyed midway, and the token stopped afterwards") {
    loop here;
    std::stop_source source;
    here.run([](std::stop_source& from) -> task<> {
        auto under = [](std::stop_token token) -> task<> { co_await tuyau::with_stop(token, sleep_long()); };
        auto midway = tests::loose::start(under(from.get_token()));
        co_await tests::nop();
        midway.destroy();
        from.request_stop();
    }(source));
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("a shielded task is not told of a stop, and what comes after it is") {
    loop here;
    auto outcome = here.run([]() -> task<std::pair<bool, bool>> {
        std::pair<bool, bool> went_on{false, false};
        auto work = [](std::pair<bool, bool>& to) -> task<> {
            auto clean_up = []() -> task<bool> {
                auto slept = co_await tuyau::sleep_for(1ms);
                auto nothing = co_await tests::nop();
                co_return slept&& nothing;
            };
            co_await tuyau::sleep_for(1h);
            to.first = co_await tuyau::shield(clean_up());
            auto afterwards = co_await tests::nop();
            to.second = afterwards.has_value();
        };
        tuyau::scope children;
        children.spawn(work(went_on));
        children.stop();
        co_await children.join();
        co_return went_on;
    }());
    CHECK(outcome.first);
    CHECK_FALSE(outcome.second);
}

TEST_CASE("a deadline inside a shield holds") {
    loop here;
    auto outcome = here.run([]() -> task<result<int>> {
        co_return co_await tuyau::shield(tuyau::with_deadline(1ms, sleep_and_give(1)));
    }());
    CHECK(outcome.error() == std::errc::timed_out);
}

TEST_CASE("the token of a coroutine's own chain is stopped with it") {
    loop here;
    bool told = false;
    bool before = true;
    here.run([](bool& called, bool& already) -> task<> {
        auto work = [](bool& to, bool& first) -> task<> {
            std::stop_token token = co_await tuyau::this_stop_token();
            first = token.stop_requested();
            std::stop_callback callback(token, [&to] { to = true; });
            co_await tuyau::sleep_for(1h);
        };
        tuyau::scope children;
        children.spawn(work(called, already));
        children.stop();
        co_await children.join();
    }(told, before));
    CHECK(told);
    CHECK_FALSE(before);
}

TEST_CASE("a deadline at a time of the clock that has passed ends the task at its first wait") {
    loop here;
    auto outcome = here.run(tuyau::with_deadline(loop::clock::now() - 1h, sleep_and_give(1)));
    CHECK(outcome.error() == std::errc::timed_out);
    auto negative = here.run(tuyau::with_deadline(-5s, sleep_and_give(1)));
    CHECK(negative.error() == std::errc::timed_out);
}
