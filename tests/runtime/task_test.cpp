#include <tuyau/runtime/task.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::task;

namespace {

task<int> ready(int value) { co_return value; }

task<int> count_to(int limit) {
    int sum = 0;
    for (int i = 0; i < limit; ++i) sum += co_await ready(1);
    co_return sum;
}

task<int> descend(int depth) {
    if (depth == 0) co_return 0;
    co_return 1 + co_await descend(depth - 1);
}

task<int> descend_and_sleep(int depth) {
    if (depth == 0) {
        co_await tuyau::sleep_for(1ms);
        co_return 0;
    }
    co_return 1 + co_await descend_and_sleep(depth - 1);
}

task<> fail(std::string why) {
    throw std::runtime_error(why);
    co_return;
}

} // namespace

TEST_CASE("a task does not start until it is awaited") {
    loop here;
    bool started = false;
    auto make = [](bool& flag) -> task<> {
        flag = true;
        co_return;
    };
    auto work = make(started);
    CHECK_FALSE(started);
    here.run(std::move(work));
    CHECK(started);
}

TEST_CASE("a task that is never awaited is destroyed without running") {
    auto token = std::make_shared<int>(1);
    {
        auto work = [](std::shared_ptr<int>) -> task<> { co_return; }(token);
        CHECK(token.use_count() == 2);
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("ten million ready tasks awaited in a loop do not grow the stack") {
    loop here;
    CHECK(here.run(count_to(10'000'000)) == 10'000'000);
}

TEST_CASE("a recursion of two hundred thousand tasks does not grow the stack") {
    loop here;
    CHECK(here.run(descend(200'000)) == 200'000);
}

TEST_CASE("a deep recursion that is suspended at its bottom unwinds without growing the stack") {
    loop here;
    CHECK(here.run(descend_and_sleep(200'000)) == 200'000);
}

TEST_CASE("an exception reaches the awaiter, through tasks that do not catch it") {
    loop here;
    auto outer = []() -> task<std::string> {
        try {
            co_await [](std::string why) -> task<> { co_await fail(why); }("as planned");
        } catch (const std::runtime_error& error) {
            co_return error.what();
        }
        co_return "nothing was thrown";
    };
    CHECK(here.run(outer()) == "as planned");
    CHECK_THROWS_AS(here.run(fail("again")), std::runtime_error);
}

TEST_CASE("a task gives a move-only value without copying it") {
    loop here;
    auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
    CHECK(*here.run(make()) == 7);
}
