#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/sync/latch.hpp>
#include <tuyau/runtime/sync/mutex.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>
#include <tuyau/runtime/workers.hpp>

#include "helpers.hpp"

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::result;
using tuyau::run_on;
using tuyau::scope;
using tuyau::task;
using tuyau::workers;

namespace {

task<std::thread::id> thread_here() { co_return std::this_thread::get_id(); }

task<std::thread::id> thread_after_a_request() {
    co_await tests::nop();
    co_return std::this_thread::get_id();
}

task<result<void>> sleep_long() { co_return co_await tuyau::sleep_for(1h); }

/// Destroyed where?
struct witness {
    explicit witness(std::thread::id& to) : where(&to) {}
    witness(witness&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
    ~witness() {
        if (where != nullptr) *where = std::this_thread::get_id();
    }
    std::thread::id* where;
};

} // namespace

TEST_CASE("a task handed to another loop runs on its thread, and its value comes back to this one") {
    workers others({.count = 2});
    loop here;
    here.run([](workers& cores) -> task<> {
        const auto mine = std::this_thread::get_id();
        auto first = co_await run_on(cores[0], thread_here());
        auto second = co_await run_on(cores[1], thread_after_a_request());
        auto again = co_await run_on(cores[0], thread_after_a_request());
        CHECK(first != mine);
        CHECK(second != mine);
        CHECK(first != second);
        CHECK(first == again);
        CHECK(std::this_thread::get_id() == mine);
    }(others));
}

TEST_CASE("a call handed to another loop makes its task there, and what the task holds dies there") {
    workers others({.count = 1});
    loop here;
    std::thread::id made;
    std::thread::id destroyed;
    const auto worker =
        here.run([](workers& cores, std::thread::id& maker, std::thread::id& end) -> task<std::thread::id> {
            auto call = [&maker, &end]() -> task<std::thread::id> {
                maker = std::this_thread::get_id();
                return [](witness) -> task<std::thread::id> {
                    co_await tuyau::yield();
                    co_return std::this_thread::get_id();
                }(witness(end));
            };
            co_return co_await run_on(cores[0], call);
        }(others, made, destroyed));
    CHECK(made == worker);
    CHECK(destroyed == worker);
    CHECK(worker != std::this_thread::get_id());
}

TEST_CASE("an exception of a task on another loop is thrown here") {
    workers others({.count = 1});
    loop here;
    auto fail = []() -> task<int> {
        co_await tuyau::yield();
        throw std::runtime_error("over there");
    };
    CHECK_THROWS_WITH(here.run(run_on(others[0], fail())), "over there");
}

TEST_CASE("a task may be handed to its own loop") {
    loop here;
    const auto where = here.run([](loop& own) -> task<std::thread::id> {
        co_return co_await run_on(own.handle(), thread_after_a_request());
    }(here));
    CHECK(where == std::this_thread::get_id());
}

TEST_CASE("a stop reaches a task on another loop, which ends before its awaiter goes on") {
    workers others({.count = 1});
    loop here;
    auto outcome = here.run(tuyau::with_deadline(2ms, run_on(others[0], sleep_long())));
    CHECK(outcome.error() == std::errc::timed_out);
    auto at_once = here.run(tuyau::with_deadline(-1s, run_on(others[0], sleep_long())));
    CHECK(at_once.error() == std::errc::timed_out);
}

TEST_CASE("stops that race the end of a task on another loop lose nothing and hang nowhere") {
    workers others({.count = 2});
    loop here;
    int finished = 0;
    here.run([](workers& cores, int& ended) -> task<> {
        auto work = [](workers& all, int index, int& count) -> task<> {
            auto yields = [](int times) -> task<> {
                for (int time = 0; time < times; ++time) co_await tuyau::yield();
            };
            co_await run_on(all[static_cast<std::size_t>(index % 2)], yields(index % 5));
            ++count;
        };
        for (int round = 0; round < 200; ++round) {
            scope children;
            for (int index = 0; index < 10; ++index) children.spawn(work(cores, index, ended));
            for (int wait = 0; wait < round % 7; ++wait) co_await tuyau::yield();
            children.stop();
            co_await children.join();
        }
    }(others, finished));
    CHECK(finished == 2000);
}

TEST_CASE("a task on another loop is destroyed there, with its awaiter, wherever both are") {
    workers others({.count = 2});
    loop here;
    here.run([](workers& cores) -> task<> {
        for (int round = 0; round < 100; ++round) {
            std::thread::id destroyed;
            auto work = [](workers& all, std::thread::id& end) -> task<> {
                auto there = [](witness) -> task<> { co_await tuyau::sleep_for(1h); };
                co_await run_on(all[0], there(witness(end)));
            };
            auto midway = tests::loose::start(work(cores, destroyed));
            for (int wait = 0; wait < round % 5; ++wait) co_await tests::nop();
            midway.destroy();
            CHECK(destroyed != std::thread::id());
            CHECK(destroyed != std::this_thread::get_id());
        }
    }(others));
}

TEST_CASE("tasks that were handed on, and back, are destroyed with the first of the line") {
    workers others({.count = 2});
    loop here;
    here.run([](workers& cores, loop& own) -> task<> {
        for (int round = 0; round < 100; ++round) {
            auto work = [](workers& all, tuyau::loop_handle home) -> task<> {
                auto innermost = []() -> task<> { co_await tuyau::sleep_for(1h); };
                auto back = [innermost](tuyau::loop_handle first) -> task<> { co_await run_on(first, innermost()); };
                auto there = [back](tuyau::loop_handle next, tuyau::loop_handle last) -> task<> {
                    co_await run_on(next, back(last));
                };
                co_await run_on(all[0], there(all[1], home));
            };
            auto midway = tests::loose::start(work(cores, own.handle()));
            for (int wait = 0; wait < round % 20; ++wait) co_await tests::nop();
            midway.destroy();
        }
    }(others, here));
    CHECK(here.visitors() == 0);
}

TEST_CASE("two loops that destroy what they handed to each other at the same time do not wait for ever") {
    workers others({.count = 2});
    loop here;
    here.run([](workers& cores) -> task<> {
        auto side = [](tuyau::loop_handle other, tuyau::concurrent::latch& start) -> task<> {
            auto remote = [](tuyau::loop_handle there) -> task<> {
                auto sleeper = []() -> task<> { co_await tuyau::sleep_for(1h); };
                co_await run_on(there, sleeper());
            };
            auto midway = tests::loose::start(remote(other));
            co_await start.arrive_and_wait();
            midway.destroy();
        };
        for (int round = 0; round < 100; ++round) {
            tuyau::concurrent::latch start(2);
            scope both;
            both.spawn(run_on(cores[0], side(cores[1], start)));
            both.spawn(run_on(cores[1], side(cores[0], start)));
            co_await both.join();
        }
    }(others));
}

TEST_CASE("run_on_each runs on every worker at once, and an error of one ends all") {
    workers others({.count = 3});
    loop here;
    std::atomic<int> ran = 0;
    auto work = [&ran](std::size_t) -> task<> {
        ++ran;
        co_await tuyau::sleep_for(1h);
    };
    auto outcome = here.run(tuyau::with_deadline(20ms, others.run_on_each(work)));
    CHECK(ran == 3);
    CHECK(outcome.error() == std::errc::timed_out);
    auto one_fails = [](std::size_t index) -> task<> {
        if (index == 1) throw std::runtime_error("one");
        co_await tuyau::sleep_for(1h);
    };
    CHECK_THROWS_WITH(here.run(others.run_on_each(one_fails)), "one");
}

TEST_CASE("workers count the processors, and may be pinned to them") {
    workers pinned({.pin = true});
    loop here;
    CHECK(pinned.size() == tuyau::system::usable_processors());
    std::atomic<int> processors = 0;
    auto look = [&processors](std::size_t) -> task<> {
        cpu_set_t allowed;
        if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) processors += CPU_COUNT(&allowed);
        co_return;
    };
    here.run(pinned.run_on_each(look));
    CHECK(processors == static_cast<int>(pinned.size()));
}

TEST_CASE("workers destroyed while a task of theirs is under way are a broken contract") {
    CHECK(tests::broken_contract_of([] {
              loop here;
              auto others = std::make_unique<workers>(tuyau::worker_options{.count = 1});
              auto work = [](workers& cores) -> task<> { co_await run_on(cores[0], sleep_long()); };
              auto midway = tests::loose::start(work(*others));
              auto arrive = [](workers& cores) -> task<> { co_await run_on(cores[0], thread_here()); };
              here.run(arrive(*others));
              others.reset();
          }) == "workers were destroyed while a task that was handed to them was under way");
}

TEST_CASE("a task handed to a loop that has ended is a broken contract") {
    CHECK(tests::broken_contract_of([] {
              loop here;
              tuyau::loop_handle gone;
              std::thread([&gone] { gone = loop().handle(); }).join();
              here.run(run_on(gone, thread_here()));
          }) == "a task was handed to a loop that has ended");
}

TEST_CASE("what one loop's coroutine waits for may not be woken on another thread unless it is made for that") {
    CHECK(tests::broken_contract_of([] {
              workers others({.count = 1});
              loop here;
              here.run([](workers& cores) -> task<> {
                  tuyau::event own;
                  auto set = [](tuyau::event& from_elsewhere) -> task<> {
                      from_elsewhere.set();
                      co_return;
                  };
                  scope both;
                  auto wait = [](tuyau::event& on) -> task<> { co_await on.wait(); };
                  both.spawn(wait(own));
                  both.spawn(run_on(cores[0], set(own)));
                  co_await both.join();
              }(others));
          }) ==
          "a coroutine was woken on another thread than its loop's (see tuyau::concurrent), or by a loop that came "
          "after its own");
}

TEST_CASE("loops wait for each other's events, and threads without a loop set them") {
    workers others({.count = 2});
    loop here;
    tuyau::concurrent::event go;
    std::atomic<int> went = 0;
    std::jthread setter;
    auto wait = [&](std::size_t index) -> task<> {
        if (index == 0) setter = std::jthread([&go] { go.set(); });
        auto gone = co_await go.wait();
        if (gone) ++went;
    };
    here.run(others.run_on_each(wait));
    CHECK(went == 2);
}

TEST_CASE("a mutex of several loops lets one in at a time, and all in the end") {
    workers others({.count = 2});
    loop here;
    tuyau::concurrent::mutex gate;
    int inside = 0; // under the mutex
    long entered = 0;
    auto enter_often = [&](std::size_t) -> task<> {
        for (int time = 0; time < 2000; ++time) {
            auto held = co_await gate.lock();
            if (++inside != 1) throw std::runtime_error("two inside");
            ++entered;
            if (time % 10 == 0) co_await tuyau::yield();
            --inside;
        }
    };
    here.run(others.run_on_each(enter_often));
    CHECK(entered == 4000);
}

TEST_CASE("a channel between loops loses nothing and keeps each sender's order") {
    workers others({.count = 2});
    loop here;
    tuyau::concurrent::channel<std::pair<int, int>> items(4);
    here.run([](workers& cores, auto& between) -> task<> {
        constexpr int each = 3000;
        auto send = [](auto& to, int name) -> task<> {
            for (int number = 0; number < each; ++number) {
                auto sent = co_await to.send({name, number});
                if (!sent) throw std::system_error(sent.error());
            }
        };
        auto send_all = [&](int first) -> task<> {
            scope senders;
            senders.spawn(send(between, first));
            senders.spawn(send(between, first + 1));
            co_await senders.join();
        };
        scope producing;
        producing.spawn(run_on(cores[0], send_all(0)));
        producing.spawn(run_on(cores[1], send_all(2)));
        std::array<int, 4> next{};
        for (int count = 0; count < 4 * each; ++count) {
            auto item = co_await between.receive();
            REQUIRE(item);
            CHECK(item->second == next[static_cast<std::size_t>(item->first)]++);
        }
        co_await producing.join();
        between.close();
        auto drained = co_await between.receive();
        CHECK(drained.error() == std::errc::broken_pipe);
    }(others, items));
}

TEST_CASE("waiters of several loops that are stopped while they are served lose no unit") {
    workers others({.count = 2});
    loop here;
    tuyau::concurrent::semaphore units(3);
    auto take_and_give = [&](std::size_t) -> task<> {
        auto use = [](tuyau::concurrent::semaphore& from) -> task<result<void>> {
            auto unit = co_await from.acquire();
            if (!unit) co_return tuyau::failure(unit.error());
            co_await tuyau::yield();
            from.release();
            co_return result<void>();
        };
        for (int round = 0; round < 200; ++round) {
            scope children;
            for (int child = 0; child < 8; ++child) children.spawn(use(units));
            for (int wait = 0; wait < round % 4; ++wait) co_await tuyau::yield();
            children.stop();
            co_await children.join();
        }
    };
    here.run(others.run_on_each(take_and_give));
    CHECK(units.available() == 3);
}

TEST_CASE("what a coroutine sets as the last thing its loop runs is seen by the other loops") {
    workers others({.count = 1});
    loop here;
    for (int round = 0; round < 50; ++round) {
        tuyau::concurrent::event arrived;
        tuyau::concurrent::event go;
        std::atomic<bool> went = false;
        auto wait = [&]() -> task<> {
            arrived.set();
            co_await go.wait();
            went = true;
        };
        std::jthread waiting([&] {
            loop own;
            own.run(run_on(others[0], wait));
        });
        auto set = [](tuyau::concurrent::event& event) -> task<> {
            event.set();
            co_return;
        };
        auto until = [](tuyau::concurrent::event& event) -> task<> { co_await event.wait(); };
        here.run(until(arrived));
        here.run(set(go)); // and nothing after it, while the other sleeps, or is about to
        CHECK(tests::eventually([&] { return went.load(); }));
    }
}

TEST_CASE("a value that comes while its awaiter is being destroyed is destroyed too") {
    workers others({.count = 1});
    loop here;
    static std::atomic<int> alive = 0;
    struct counted {
        counted() { ++alive; }
        counted(counted&&) noexcept { ++alive; }
        ~counted() { --alive; }
    };
    here.run([](workers& cores) -> task<> {
        for (int round = 0; round < 200; ++round) {
            auto give = []() -> task<counted> {
                co_await tuyau::yield();
                co_return counted();
            };
            auto wait = [](workers& all, auto call) -> task<> { co_await run_on(all[0], call); };
            auto midway = tests::loose::start(wait(cores, give));
            for (int pause = 0; pause < round % 4; ++pause) co_await tests::nop();
            midway.destroy();
        }
    }(others));
    CHECK(alive == 0);
}

TEST_CASE("a loop that ends while a task that was handed to it is under way is a broken contract") {
    CHECK(tests::broken_contract_of([] {
              loop here;
              tuyau::concurrent::event arrived;
              std::jthread other;
              here.run([](std::jthread& thread, tuyau::concurrent::event& there) -> task<> {
                  tuyau::concurrent::event ready;
                  tuyau::loop_handle handle;
                  thread = std::jthread([&] {
                      loop own;
                      handle = own.handle();
                      auto until = [](auto& on, auto& to) -> task<> {
                          on.set();
                          co_await to.wait();
                      };
                      own.run(until(ready, there));
                  });
                  co_await ready.wait();
                  auto stay = [](auto& to) -> task<> {
                      to.set();
                      co_await tuyau::sleep_for(1h);
                  };
                  co_await run_on(handle, stay(there));
              }(other, arrived));
          }) == "a loop ended while a task that was handed to it was under way");
}
