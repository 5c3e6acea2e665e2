#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/when.hpp>

#include "helpers.hpp"

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::result;
using tuyau::task;

namespace {

task<int> give_later(int value, int rounds) {
    for (int round = 0; round < rounds; ++round) co_await tuyau::yield();
    co_return value;
}
task<> nothing() { co_return; }
task<std::string> text(std::string value) {
    co_await tests::nop();
    co_return value;
}
task<result<int>> wait_for_ever() {
    auto slept = co_await tuyau::sleep_for(1h);
    if (!slept) co_return tuyau::failure(slept.error());
    co_return 1;
}
task<result<int>> fail(std::errc why) {
    co_await tests::nop();
    co_return tuyau::failure(why);
}
task<int> throw_soon() {
    co_await tests::nop();
    throw std::runtime_error("thrown");
}
/// Takes a few rounds to end after it has been stopped.
task<> end_slowly(bool& ended) {
    co_await tuyau::sleep_for(1h);
    for (int round = 0; round < 5; ++round) co_await tuyau::yield();
    ended = true;
}

struct counted {
    explicit counted(int& alive) : alive_(alive) { ++alive_; }
    counted(const counted& other) : alive_(other.alive_) { ++alive_; }
    ~counted() { --alive_; }
    int& alive_;
};
task<> hold(counted, tuyau::result<void>& slept) { slept = co_await tuyau::sleep_for(1h); }

} // namespace

TEST_CASE("when_all gives every outcome in the order of the tasks, whatever order they end in") {
    loop here;
    auto [number, nobody, word] = here.run(tuyau::when_all(give_later(7, 9), nothing(), text("ab")));
    CHECK(number == 7);
    CHECK(nobody == std::monostate());
    CHECK(word == "ab");
}

TEST_CASE("when_all takes any number of tasks of one type, also none") {
    loop here;
    std::vector<task<int>> work;
    for (int index = 0; index < 100; ++index) work.push_back(give_later(index, 100 - index));
    const auto values = here.run(tuyau::when_all(std::move(work)));
    REQUIRE(values.size() == 100);
    for (int index = 0; index < 100; ++index) CHECK(values[static_cast<std::size_t>(index)] == index);
    CHECK(here.run(tuyau::when_all(std::vector<task<int>>())).empty());
}

TEST_CASE("an error in one result stops the others of when_all, which are waited for") {
    loop here;
    auto [failed, stopped] = here.run(tuyau::when_all(fail(std::errc::io_error), wait_for_ever()));
    CHECK(failed.error() == std::errc::io_error);
    CHECK(tuyau::is_cancelled(stopped.error()));
}

TEST_CASE("an exception in one task of when_all stops the others and is thrown once they have ended") {
    loop here;
    bool ended = false;
    CHECK_THROWS_AS(here.run(tuyau::when_all(throw_soon(), end_slowly(ended))), std::runtime_error);
    CHECK(ended);
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("when_any names the first to finish, and has stopped and finished the losers before it returns") {
    loop here;
    bool ended = false;
    auto first = here.run(tuyau::when_any(end_slowly(ended), text("fast"), wait_for_ever()));
    CHECK(first.index == 1);
    CHECK(std::get<1>(first.outcomes) == "fast");
    CHECK(ended);
    CHECK(tuyau::is_cancelled(std::get<2>(first.outcomes).error()));
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("when_any of tasks of one type gives all outcomes, the first by name") {
    loop here;
    std::vector<task<result<int>>> work;
    work.push_back(wait_for_ever());
    work.push_back([]() -> task<result<int>> { co_return 5; }());
    work.push_back(wait_for_ever());
    auto first = here.run(tuyau::when_any(std::move(work)));
    CHECK(first.index == 1);
    CHECK(first.first() == 5);
    REQUIRE(first.outcomes.size() == 3);
    CHECK(tuyau::is_cancelled(first.outcomes[0].error()));
    CHECK(tuyau::is_cancelled(first.outcomes[2].error()));
}

TEST_CASE("a loser of when_any that finished in the same round keeps its value") {
    loop here;
    auto first = here.run(tuyau::when_any(give_later(1, 3), give_later(2, 3)));
    CHECK(first.index == 0);
    CHECK(std::get<1>(first.outcomes) == 2);
}

TEST_CASE("an exception of any task of when_any is thrown from it") {
    loop here;
    CHECK_THROWS_AS(here.run(tuyau::when_any(throw_soon(), wait_for_ever())), std::runtime_error);
}

TEST_CASE("when_any of no task is a broken contract") {
    CHECK(tests::broken_contract_of([] {
              loop here;
              here.run(tuyau::when_any(std::vector<task<int>>()));
          }) == "when_any was given no task, so that none can be the first to finish");
}

TEST_CASE("a stop reaches every task of when_all and when_any, also one that came before they began") {
    loop here;
    auto outcome = here.run(tuyau::with_deadline(0ms, []() -> task<result<int>> {
        auto [left, right] = co_await tuyau::when_all(wait_for_ever(), wait_for_ever());
        CHECK(tuyau::is_cancelled(left.error()));
        CHECK(tuyau::is_cancelled(right.error()));
        auto any = co_await tuyau::when_any(wait_for_ever(), wait_for_ever());
        co_return std::get<0>(any.outcomes);
    }()));
    CHECK(outcome.error() == std::errc::timed_out);
}

TEST_CASE("when_all and when_any may be destroyed midway") {
    loop here;
    int alive = 0;
    here.run([](int& living) -> task<> {
        tuyau::result<void> left;
        tuyau::result<void> right;
        auto all = [](int& count, auto& a, auto& b) -> task<> {
            co_await tuyau::when_all(hold(counted(count), a), hold(counted(count), b));
        };
        auto any = [](int& count, auto& a, auto& b) -> task<> {
            co_await tuyau::when_any(hold(counted(count), a), hold(counted(count), b));
        };
        auto first = tests::loose::start(all(living, left, right));
        auto second = tests::loose::start(any(living, left, right));
        co_await tests::nop();
        CHECK(living > 0);
    }(alive));
    CHECK(alive == 0);
}

TEST_CASE("when_any of two sleeps makes no request to the kernel") {
    loop here;
    here.requests().poll(); // what the loop itself has prepared
    auto sleep = [](std::chrono::milliseconds time) -> task<> { co_await tuyau::sleep_for(time); };
    const unsigned before = here.requests().native()->sq.sqe_tail; // counts all that were ever prepared
    auto first = here.run(tuyau::when_any(sleep(1ms), sleep(1h)));
    CHECK(first.index == 0);
    CHECK(here.requests().native()->sq.sqe_tail == before);
}

TEST_CASE("a loser that says by a throw that it was cancelled hides no winner and no error") {
    loop here;
    auto insist = []() -> task<result<int>> {
        (co_await tuyau::sleep_for(1h)).value();
        co_return 1;
    };
    auto insist_on_nothing = []() -> task<> { (co_await tuyau::sleep_for(1h)).value(); };
    auto first = here.run(tuyau::when_any(text("fast"), insist(), insist_on_nothing()));
    CHECK(std::get<0>(first.outcomes) == "fast");
    CHECK(tuyau::is_cancelled(std::get<1>(first.outcomes).error()));
    auto [failed, stopped] = here.run(tuyau::when_all(fail(std::errc::connection_reset), insist()));
    CHECK(failed.error() == std::errc::connection_reset);
    CHECK(tuyau::is_cancelled(stopped.error()));
}

TEST_CASE("when_any whose tasks are all stopped, and say so by a throw, throws the same") {
    loop here;
    auto any = []() -> task<> {
        auto insist = []() -> task<> { (co_await tuyau::sleep_for(1h)).value(); };
        std::vector<task<>> many;
        many.push_back(insist());
        std::error_code of_two;
        try {
            co_await tuyau::when_any(insist(), insist());
        } catch (const std::system_error& error) {
            of_two = error.code();
        }
        CHECK(tuyau::is_cancelled(of_two));
        co_await tuyau::when_any(std::move(many));
    };
    auto outcome = here.run(tuyau::with_deadline(1ms, any()));
    CHECK(outcome.error() == std::errc::timed_out);
}
