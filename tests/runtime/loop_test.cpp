#include <tuyau/runtime/loop.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::nop;
using tuyau::loop;
using tuyau::task;

TEST_CASE("a loop is the current one of its thread from its making to its end") {
    CHECK(loop::current_or_null() == nullptr);
    {
        loop here;
        CHECK(&loop::current() == &here);
        loop* elsewhere = &here;
        std::thread([&] { elsewhere = loop::current_or_null(); }).join();
        CHECK(elsewhere == nullptr);
    }
    CHECK(loop::current_or_null() == nullptr);
}

TEST_CASE("run gives a task's value, or its exception, and may be called again") {
    loop here;
    auto value = [](std::string text) -> task<std::string> {
        co_await nop();
        co_return text + "!";
    };
    CHECK(here.run(value("one")) == "one!");
    auto thrown = []() -> task<> {
        co_await nop();
        throw std::runtime_error("two");
    };
    CHECK_THROWS_AS(here.run(thrown()), std::runtime_error);
    CHECK(here.run(value("three")) == "three!");
}

TEST_CASE("run leaves what was spawned elsewhere where it is, and the next run goes on with it") {
    loop here;
    tuyau::scope children;
    int steps = 0;
    here.run([](tuyau::scope& all, int& count) -> task<> {
        all.spawn([](int& number) -> task<> {
            for (int step = 0; step < 10; ++step) {
                co_await nop();
                ++number;
            }
        }(count));
        co_await nop();
    }(children, steps));
    CHECK(children.size() == 1);
    here.run([](tuyau::scope& all) -> task<> { co_await all.join(); }(children));
    CHECK(steps == 10);
}

TEST_CASE("loops on two threads run beside each other") {
    std::vector<std::thread> threads;
    std::vector<int> sums(2);
    for (int& sum : sums) {
        threads.emplace_back([&sum] {
            loop here;
            sum = here.run([]() -> task<int> {
                int total = 0;
                for (int step = 0; step < 1000; ++step) {
                    auto done = co_await nop();
                    total += done ? 1 : 0;
                }
                co_return total;
            }());
        });
    }
    for (auto& each : threads) each.join();
    CHECK(sums == std::vector{1000, 1000});
}

TEST_CASE("who is always ready does not keep completions and timers from the others") {
    loop here;
    here.run([]() -> task<> {
        bool enough = false;
        tuyau::scope busy;
        busy.spawn([](bool& end) -> task<> {
            while (!end) co_await tuyau::yield();
        }(enough));
        for (int step = 0; step < 100; ++step) co_await nop();
        co_await tuyau::sleep_for(2ms);
        enough = true;
        co_await busy.join();
    }());
}

TEST_CASE("coroutines that yield take turns") {
    loop here;
    std::string order;
    here.run([](std::string& text) -> task<> {
        auto letters = [](std::string& to, char letter) -> task<> {
            for (int step = 0; step < 3; ++step) {
                to += letter;
                co_await tuyau::yield();
            }
        };
        tuyau::scope both;
        both.spawn(letters(text, 'a'));
        both.spawn(letters(text, 'b'));
        co_await both.join();
    }(order));
    CHECK(order == "ababab");
}

TEST_CASE("a time limit that is set before the first round counts from then, not from when the loop was made") {
    loop here;
    const auto made = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - made < 30ms) {}
    here.run([]() -> task<> {
        const auto before = std::chrono::steady_clock::now();
        auto nap = []() -> task<tuyau::result<void>> { co_return co_await tuyau::sleep_for(1h); };
        auto ended = co_await tuyau::with_deadline(20ms, nap());
        CHECK(ended.error() == std::errc::timed_out);
        CHECK(std::chrono::steady_clock::now() - before >= 20ms);
    }());
}

TEST_CASE("a loop may be destroyed before the coroutines that wait on it, whatever they wait for") {
    tuyau::channel<int> empty(1);
    tuyau::channel<int> full(1);
    CHECK(full.try_send(1));
    auto token = std::make_shared<int>(0);
    {
        tuyau::scope outlives;
        {
            loop here;
            here.run([](tuyau::scope& all, tuyau::channel<int>& one, tuyau::channel<int>& other,
                        std::shared_ptr<int> held) -> task<> {
                all.spawn([](std::shared_ptr<int>) -> task<> { co_await tuyau::sleep_for(1h); }(held));
                all.spawn([](std::shared_ptr<int>) -> task<> {
                    for (;;) co_await tuyau::yield();
                }(held));
                all.spawn([](tuyau::channel<int>& from, std::shared_ptr<int>) -> task<> {
                    co_await from.receive();
                }(one, held));
                all.spawn(
                    [](tuyau::channel<int>& to, std::shared_ptr<int>) -> task<> { co_await to.send(2); }(other, held));
                all.spawn([](std::shared_ptr<int>) -> task<> {
                    auto nap = []() -> task<> { co_await tuyau::sleep_for(1h); };
                    co_await tuyau::with_deadline(2h, nap());
                }(held));
                all.spawn([](std::shared_ptr<int>) -> task<> {
                    tuyau::scope inner;
                    auto nap = []() -> task<> { co_await tuyau::sleep_for(1h); };
                    inner.spawn(nap());
                    co_await inner.join();
                }(held));
                co_await nop();
            }(outlives, empty, full, token));
            CHECK(outlives.size() == 6);
        }
        outlives.stop(); // nobody is left to resume them, and nobody needs to be
        CHECK(token.use_count() == 7);
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("a hundred coroutines with a thousand requests each share queues of eight, and none is lost") {
    loop here({.ring = {.submission_entries = 8, .completion_entries = 8}, .buffers = {}});
    const int count = here.run([]() -> task<int> {
        tuyau::scope all;
        int total = 0;
        for (int child = 0; child < 100; ++child) {
            all.spawn([](int& sum) -> task<> {
                for (int step = 0; step < 1000; ++step) {
                    auto done = co_await nop();
                    if (done) ++sum;
                }
            }(total));
        }
        co_await all.join();
        co_return total;
    }());
    CHECK(count == 100'000);
}
