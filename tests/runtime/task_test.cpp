#include <tuyau/runtime/task.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::scope;
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

namespace {

/// A task that is suspended twice on each of `depth` levels, with `token` in every frame.
task<int> suspend_often(int depth, std::shared_ptr<int> token) {
    if (depth == 0) co_return 0;
    co_await tests::nop();
    const int below = co_await suspend_often(depth - 1, token);
    co_await tuyau::yield();
    co_return below + 1;
}

} // namespace

TEST_CASE("a task may be destroyed at each of its suspension points") {
    loop here;
    auto token = std::make_shared<int>();
    int rounds = 0;
    for (bool finished = false; !finished; ++rounds) {
        here.run([](loop& on, std::shared_ptr<int> held, int before, bool& done) -> task<> {
            auto work = [](std::shared_ptr<int> inner) -> task<> {
                const int depth = co_await suspend_often(5, inner);
                CHECK(depth == 5);
            };
            auto one = tests::loose::start(work(held));
            for (int round = 0; round < before && !one.done(); ++round) co_await tuyau::yield();
            done = one.done();
            one.destroy();
            CHECK(on.requests().in_flight() == 0);
            CHECK(held.use_count() == 2);
        }(here, token, rounds, finished));
        CHECK(token.use_count() == 1);
    }
    CHECK(rounds > 10);
}

TEST_CASE("a task that is awaited twice ends the program with a sentence") {
    const auto twice = [] {
        loop here;
        here.run([]() -> task<> {
            auto one = ready(1);
            co_await std::move(one);
            co_await std::move(one);
        }());
    };
    CHECK(tests::broken_contract_of(twice) == "a task was awaited twice");
    const auto while_running = [] {
        loop here;
        here.run([]() -> task<> {
            auto one = []() -> task<> { co_await tuyau::sleep_for(1h); }();
            auto first = tests::loose::start([](task<>& which) -> task<> { co_await std::move(which); }(one));
            co_await std::move(one);
        }());
    };
    CHECK(tests::broken_contract_of(while_running) == "a task was awaited twice");
}

TEST_CASE("a task that was moved from must not be awaited, and says so") {
    const auto empty = [] {
        loop here;
        here.run([]() -> task<> {
            auto one = ready(1);
            auto other = std::move(one);
            co_await std::move(one);
        }());
    };
    CHECK(tests::broken_contract_of(empty) == "an empty task was awaited (was it moved from?)");
    CHECK_FALSE(task<int>());
    auto full = ready(1);
    CHECK(full);
}

TEST_CASE("assigning to a task destroys the one it held") {
    auto token = std::make_shared<int>();
    auto make = [](std::shared_ptr<int>) -> task<> { co_return; };
    auto one = make(token);
    one = make(token);
    CHECK(token.use_count() == 2);
    auto& same = one;
    one = std::move(same);
    CHECK(one);
    one = task<>();
    CHECK(token.use_count() == 1);
}

TEST_CASE("the value and the frame of a task are destroyed once each") {
    loop here;
    auto token = std::make_shared<int>();
    auto give = [](std::shared_ptr<int> held) -> task<std::shared_ptr<int>> {
        co_await tests::nop();
        co_return held;
    };
    {
        auto given = here.run(give(token));
        CHECK(given.use_count() == 2);
    }
    CHECK(token.use_count() == 1);
    auto dropped = [](task<std::shared_ptr<int>> work) -> task<> { (void)co_await std::move(work); };
    here.run(dropped(give(token)));
    CHECK(token.use_count() == 1);
}

TEST_CASE("an exception thrown before and after a suspension, or from a value's move, reaches the awaiter") {
    loop here;
    struct stubborn {
        stubborn() = default;
        stubborn(stubborn&&) { throw std::runtime_error("will not move"); }
    };
    auto moves = []() -> task<stubborn> { co_return stubborn(); };
    auto awaits = [](task<stubborn> work) -> task<std::string> {
        try {
            (void)co_await std::move(work);
        } catch (const std::runtime_error& error) {
            co_return error.what();
        }
        co_return "nothing";
    };
    CHECK(here.run(awaits(moves())) == "will not move");
    auto late = []() -> task<> {
        co_await tests::nop();
        co_await fail("late");
    };
    CHECK_THROWS_AS(here.run(late()), std::runtime_error);
}

TEST_CASE("a million tasks that wait for nothing are awaited in a loop inside a task that was suspended") {
    loop here;
    CHECK(here.run([]() -> task<int> {
        co_await tests::nop();
        co_return co_await count_to(1'000'000);
    }()) == 1'000'000);
}

namespace {

task<bool> yes() {
    co_await tests::nop();
    co_return true;
}

// Without a variable of its own, as g++ 12 gets it wrong.
task<int> look(int& looked) {
    if (co_await yes()) ++looked;
    while (co_await yes()) co_return ++looked;
    co_return 0;
}

} // namespace

TEST_CASE("a coroutine that looks at what it awaits works, or tells that the compiler got it wrong") {
    const auto ended = tests::in_child([] {
        loop here;
        int looked = 0;
        return here.run(look(looked)) == 2 ? 0 : 1;
    });
    const bool told = ended.errors.find("g++ 12 miscompiled a coroutine") != std::string::npos;
    CHECK((ended.exit_code == 0 || told));
}

TEST_CASE("a task that has finished before it was made can be awaited, spawned and run like any other") {
    loop here;
    here.run([]() -> task<> {
        co_await task<>::done();
        scope children;
        children.spawn(task<>::done());
        CHECK(children.empty());
        co_await children.join();
    }());
    here.run(task<>::done());
    task<> kept = task<>::done();
    CHECK(kept);
    task<> moved = std::move(kept);
    CHECK_FALSE(kept);
    CHECK(moved.start(nullptr));
    moved.take();
}

TEST_CASE("a task that was started runs until it waits, and is awaited for the rest") {
    loop here;
    std::string order;
    const auto work = [&](bool waits) -> task<int> {
        order += "begin ";
        if (waits) co_await tests::nop();
        order += "end ";
        co_return 7;
    };
    here.run([&]() -> task<> {
        task<int> at_once = work(false);
        CHECK(at_once.start(nullptr));
        CHECK(at_once.take() == 7);
        task<int> later = work(true);
        CHECK_FALSE(later.start(nullptr));
        order += "meanwhile ";
        const int given = co_await later.end();
        CHECK(given == 7);
    }());
    CHECK(order == "begin end begin meanwhile end ");
}

TEST_CASE("a task that was started may be destroyed where it waits, and what it throws comes with its end") {
    loop here;
    const auto work = [](std::shared_ptr<int> kept, bool throws) -> task<> {
        co_await tests::nop();
        if (throws) throw std::runtime_error("late");
        ++*kept;
    };
    const auto kept = std::make_shared<int>(0);
    here.run([&]() -> task<> {
        {
            task<> abandoned = work(kept, false);
            CHECK_FALSE(abandoned.start(nullptr));
        }
        CHECK(kept.use_count() == 1);
        task<> failing = work(kept, true);
        CHECK_FALSE(failing.start(nullptr));
        bool thrown = false;
        try {
            co_await failing.end();
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        CHECK(thrown);
    }());
    CHECK(*kept == 0);
}
