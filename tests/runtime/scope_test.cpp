#include <tuyau/runtime/scope.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::nop;
using tuyau::loop;
using tuyau::scope;
using tuyau::task;

namespace {

task<> at_once(int& count) {
    ++count;
    co_return;
}

task<> after_a_request(int& count) {
    co_await nop();
    ++count;
}

task<> fail_after(int requests, std::string why) {
    for (int step = 0; step < requests; ++step) co_await nop();
    throw std::runtime_error(why);
}

/// Notes whether it was stopped.
task<> until_stopped(int& stopped) {
    auto slept = co_await tuyau::sleep_for(1h);
    if (!slept && tuyau::is_cancelled(slept.error())) ++stopped;
}

} // namespace

TEST_CASE("a scope without children is joined at once") {
    loop here;
    here.run([]() -> task<> {
        scope none;
        CHECK(none.empty());
        co_await none.join();
    }());
}

TEST_CASE("a child runs until it first waits before spawn returns") {
    loop here;
    here.run([]() -> task<> {
        int count = 0;
        scope children;
        children.spawn(at_once(count));
        CHECK(count == 1);
        CHECK(children.empty());
        children.spawn(after_a_request(count));
        CHECK(count == 1);
        CHECK(children.size() == 1);
        co_await children.join();
        CHECK(count == 2);
        CHECK(children.empty());
    }());
}

TEST_CASE("ten thousand children are joined, whether they finish at once or later") {
    loop here;
    here.run([]() -> task<> {
        int count = 0;
        scope children;
        for (int child = 0; child < 10'000; ++child) {
            if (child % 2 == 0)
                children.spawn(at_once(count));
            else
                children.spawn(after_a_request(count));
        }
        CHECK(children.size() == 5'000);
        co_await children.join();
        CHECK(count == 10'000);
    }());
}

TEST_CASE("a scope may be used again after it was joined") {
    loop here;
    here.run([]() -> task<> {
        int count = 0;
        scope children;
        for (int round = 0; round < 3; ++round) {
            children.spawn(after_a_request(count));
            co_await children.join();
            CHECK(count == round + 1);
        }
    }());
}

TEST_CASE("the first error stops the other children and is thrown from join, once") {
    loop here;
    here.run([]() -> task<> {
        int stopped = 0;
        scope children;
        children.spawn(until_stopped(stopped));
        children.spawn(fail_after(1, "first"));
        children.spawn(fail_after(2, "second"));
        children.spawn(until_stopped(stopped));
        std::string what;
        try {
            co_await children.join();
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "first");
        CHECK(stopped == 2);
        CHECK(children.empty());
        co_await children.join();
    }());
}

TEST_CASE("a child that throws before it waits is reported by join as well") {
    loop here;
    here.run([]() -> task<> {
        scope children;
        children.spawn(fail_after(0, "at once"));
        CHECK(children.empty());
        std::string what;
        try {
            co_await children.join();
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "at once");
    }());
}

TEST_CASE("stop reaches every child, and those spawned after it") {
    loop here;
    here.run([]() -> task<> {
        int stopped = 0;
        scope children;
        for (int child = 0; child < 100; ++child) children.spawn(until_stopped(stopped));
        children.stop();
        children.spawn(until_stopped(stopped));
        CHECK(stopped == 1); // the last one did not even wait
        co_await children.join();
        CHECK(stopped == 101);
    }());
}

TEST_CASE("a stop reaches the children of children") {
    loop here;
    here.run([]() -> task<> {
        int stopped = 0;
        scope outer;
        outer.spawn([](int& count) -> task<> {
            scope inner;
            inner.spawn(until_stopped(count));
            inner.spawn([](int& number) -> task<> {
                scope innermost;
                innermost.spawn(until_stopped(number));
                co_await innermost.join();
            }(count));
            co_await inner.join();
        }(stopped));
        outer.stop();
        co_await outer.join();
        CHECK(stopped == 2);
    }());
}

TEST_CASE("joining with a stop already requested stops the children and waits for them") {
    loop here;
    here.run([]() -> task<> {
        int stopped = 0;
        int joined = 0;
        scope outer;
        outer.stop();
        outer.spawn([](int& count, int& after) -> task<> {
            scope inner;
            // Its own chain is not stopped yet, so this child waits.
            inner.spawn(until_stopped(count));
            CHECK(inner.size() == 1);
            co_await inner.join();
            after = count;
        }(stopped, joined));
        co_await outer.join();
        CHECK(stopped == 1);
        CHECK(joined == 1);
    }());
}

TEST_CASE("a scope that is destroyed destroys its children, whatever they wait for") {
    loop here;
    auto pipe = tests::descriptor_pair::pipe();
    auto token = std::make_shared<int>();
    here.run([](loop& on, int fd, std::shared_ptr<int> held) -> task<> {
        tuyau::channel<int> empty(1);
        tuyau::channel<int> full(1);
        CHECK(full.try_send(1));
        {
            scope children;
            children.spawn([](int from, std::shared_ptr<int>) -> task<> {
                std::array<std::byte, 8> space{};
                co_await tuyau::read_some(from, space);
            }(fd, held));
            children.spawn([](std::shared_ptr<int>) -> task<> { co_await tuyau::sleep_for(1h); }(held));
            children.spawn([](std::shared_ptr<int>) -> task<> {
                for (;;) co_await tuyau::yield();
            }(held));
            children.spawn([](tuyau::channel<int>& from, std::shared_ptr<int>) -> task<> {
                co_await from.receive();
            }(empty, held));
            children.spawn(
                [](tuyau::channel<int>& to, std::shared_ptr<int>) -> task<> { co_await to.send(2); }(full, held));
            children.spawn([](std::shared_ptr<int>) -> task<> {
                scope inner;
                int stopped = 0;
                inner.spawn(until_stopped(stopped));
                co_await inner.join();
            }(held));
            children.spawn([](std::shared_ptr<int>) -> task<> {
                scope inner;
                int stopped = 0;
                inner.spawn(until_stopped(stopped));
                co_await inner.fewer_than(1);
            }(held));
            children.spawn([](std::shared_ptr<int>) -> task<> {
                int stopped = 0;
                co_await tuyau::with_deadline(1h, until_stopped(stopped));
            }(held));
            children.spawn([](std::shared_ptr<int>) -> task<> { co_await nop(); }(held));
            co_await nop();
            CHECK(children.size() >= 8);
        }
        CHECK(held.use_count() == 2);
        CHECK(on.requests().in_flight() == 0);
    }(here, pipe.first(), token));
    CHECK(token.use_count() == 1);
}

TEST_CASE("a scope left by an exception takes its children along") {
    loop here;
    auto token = std::make_shared<int>();
    auto leaves = [](std::shared_ptr<int> held) -> task<> {
        scope children;
        children.spawn([](std::shared_ptr<int>) -> task<> { co_await tuyau::sleep_for(1h); }(held));
        co_await nop();
        throw std::runtime_error("left");
    };
    CHECK_THROWS_AS(here.run(leaves(token)), std::runtime_error);
    CHECK(token.use_count() == 1);
}

TEST_CASE("who joins may be destroyed, and the scope joined by another") {
    loop here;
    here.run([]() -> task<> {
        int stopped = 0;
        scope children;
        children.spawn(until_stopped(stopped));
        {
            auto joiner = tests::loose::start([](scope& which) -> task<> { co_await which.join(); }(children));
            co_await nop();
        }
        children.stop();
        co_await children.join();
        CHECK(stopped == 1);
    }());
}

TEST_CASE("a child may spawn its siblings") {
    loop here;
    here.run([]() -> task<> {
        int count = 0;
        scope children;
        struct family {
            static task<> member(scope& all, int generation, int& number) {
                co_await nop();
                ++number;
                if (generation == 0) co_return;
                all.spawn(member(all, generation - 1, number));
                all.spawn(member(all, generation - 1, number));
            }
        };
        children.spawn(family::member(children, 9, count));
        co_await children.join();
        CHECK(count == 1023);
    }());
}

TEST_CASE("a bound on children holds, and the waiting ends with a stop") {
    loop here;
    here.run([]() -> task<> {
        int running = 0;
        int most = 0;
        int done = 0;
        scope children;
        for (int child = 0; child < 50; ++child) {
            const bool room = co_await children.fewer_than(4);
            CHECK(room);
            children.spawn([](int& now, int& highest, int& finished) -> task<> {
                ++now;
                highest = now > highest ? now : highest;
                for (int step = 0; step <= finished % 3; ++step) co_await nop();
                --now;
                ++finished;
            }(running, most, done));
            CHECK(children.size() <= 4);
        }
        co_await children.join();
        CHECK(done == 50);
        CHECK(most == 4);

        int stopped = 0;
        scope full;
        full.spawn(until_stopped(stopped));
        std::optional<bool> room;
        scope spawners;
        spawners.spawn(
            [](scope& which, std::optional<bool>& to) -> task<> { to = co_await which.fewer_than(1); }(full, room));
        CHECK_FALSE(room);
        spawners.stop();
        co_await spawners.join();
        REQUIRE(room);
        CHECK_FALSE(*room);
        full.stop();
        co_await full.join();
    }());
}

TEST_CASE("a child that says by a throw that it was stopped is no error of the scope that stopped it") {
    loop here;
    here.run([]() -> task<> {
        auto insist = []() -> task<> { (co_await tuyau::sleep_for(std::chrono::hours(1))).value(); };
        tuyau::scope children;
        children.spawn(insist());
        children.stop();
        co_await children.join();
        CHECK(children.empty());
    }());
}

TEST_CASE("a child whose error is a value stops its siblings, and the error is thrown at join") {
    loop here;
    here.run([]() -> task<> {
        auto fail = []() -> task<tuyau::result<void>> {
            co_await tests::nop();
            co_return tuyau::failure(std::errc::io_error);
        };
        auto wait = []() -> task<tuyau::result<void>> { co_return co_await tuyau::sleep_for(std::chrono::hours(1)); };
        tuyau::scope children(2);
        auto first = co_await children.spawn_bounded(fail());
        CHECK(first);
        children.spawn(wait());
        std::error_code thrown;
        try {
            co_await children.join();
        } catch (const std::system_error& error) {
            thrown = error.code();
        }
        CHECK(thrown == std::errc::io_error);
    }());
}

TEST_CASE("spawn_bounded waits for room, first come, first served, and a stop leaves its work unbegun") {
    loop here;
    std::vector<int> begun;
    here.run([](std::vector<int>& order) -> task<> {
        tuyau::scope children(1);
        auto work = [](std::vector<int>& to, int name) -> task<> {
            to.push_back(name);
            co_await tuyau::yield();
        };
        auto spawn = [&](int name) -> task<> { co_await children.spawn_bounded(work(order, name)); };
        tuyau::scope spawners;
        for (int name = 1; name <= 3; ++name) spawners.spawn(spawn(name));
        CHECK(order == std::vector{1});
        co_await spawners.join();
        tuyau::scope stopped;
        stopped.stop();
        stopped.spawn(spawn(4));
        co_await stopped.join();
        co_await children.join();
    }(begun));
    CHECK(begun == std::vector{1, 2, 3});
}

TEST_CASE("a child spawned when the joiner has been woken and has not run is waited for too") {
    loop here;
    bool second_ended = false;
    here.run([](bool& ended) -> task<> {
        tuyau::scope children;
        auto once = []() -> task<> { co_await tuyau::yield(); };
        auto later = [](bool& to) -> task<> {
            for (int round = 0; round < 5; ++round) co_await tuyau::yield();
            to = true;
        };
        auto join = [](tuyau::scope& of, bool& to) -> task<> {
            co_await of.join();
            CHECK(to);
        };
        children.spawn(once());
        tuyau::scope joining;
        joining.spawn(join(children, ended));
        while (!children.empty()) co_await tuyau::yield();
        children.spawn(later(ended));
        co_await joining.join();
    }(second_ended));
    CHECK(second_ended);
}
