// No allocation per await once warm, whatever is awaited: in a program of its own, which counts the calls of operator new.

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/interval.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>
#include <tuyau/runtime/workers.hpp>

#include "helpers.hpp"
#include "synchronisation_sets.hpp"
#include "support/allocations.hpp"

using namespace std::chrono_literals;
using tests::of_one_loop;
using tests::of_several_loops;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;

namespace {

void expect(bool well, const char* what) {
    if (!well) throw std::runtime_error(what);
}

/// Allocations of `rounds` calls of `make()`, which gives a task, after some that warm everything up.
template <class Make>
std::size_t allocations_of(int rounds, Make make) {
    loop here;
    return here.run([](int count, Make& work) -> task<std::size_t> {
        for (int round = 0; round < 100; ++round) co_await work();
        const std::size_t before = tests::allocations();
        for (int round = 0; round < count; ++round) co_await work();
        co_return tests::allocations() - before;
    }(rounds, make));
}

task<> yield_once() { co_await tuyau::yield(); }
task<result<void>> sleep_long() { co_return co_await tuyau::sleep_for(1h); }
task<int> at_once(int value) { co_return value; }

} // namespace

TEST_CASE("awaiting tasks, nested and suspended, allocates nothing") {
    struct nest {
        static task<int> of(int depth) {
            if (depth == 0) {
                co_await tuyau::yield();
                co_return 0;
            }
            co_return 1 + co_await of(depth - 1);
        }
    };
    CHECK(allocations_of(200, []() -> task<> {
              const int depth = co_await nest::of(200); // past the depth to which tasks start as plain calls
              expect(depth == 200, "the recursion went wrong");
          }) == 0);
}

TEST_CASE("spawning with a bound allocates nothing") {
    CHECK(allocations_of(200, []() -> task<> {
              scope children(2);
              for (int child = 0; child < 10; ++child) {
                  auto spawned = co_await children.spawn_bounded(yield_once());
                  expect(spawned.has_value(), "not spawned");
              }
              co_await children.join();
          }) == 0);
}

TEST_CASE("timers, intervals and movable deadlines allocate nothing") {
    CHECK(allocations_of(20, []() -> task<> {
              tuyau::interval often(100us);
              auto passed = co_await often.next();
              expect(passed.has_value(), "no tick");
              scope sleepers;
              for (int sleeper = 0; sleeper < 1000; ++sleeper)
                  sleepers.spawn([](int length) -> task<> { co_await tuyau::sleep_for(1us * length); }(sleeper));
              co_await sleepers.join();
              tuyau::deadline limit(1h);
              for (int time = 0; time < 100; ++time) limit.expires_after(1h);
              auto done = co_await tuyau::with_deadline(limit, yield_once());
              expect(done.has_value(), "too late");
          }) == 0);
}

TEST_CASE("running under a token, a deadline and a shield allocates nothing") {
    std::stop_source source; // what the tokens share
    CHECK(allocations_of(1000, [&source]() -> task<> {
              auto done = co_await tuyau::with_stop(source.get_token(), yield_once());
              expect(done.has_value(), "stopped");
              auto late = co_await tuyau::with_deadline(-1s, sleep_long());
              expect(!late, "not stopped");
              auto value = co_await tuyau::shield(tuyau::with_deadline(1h, at_once(7)));
              expect(value == 7, "another value");
          }) == 0);
}

TEST_CASE("waiting for all and for any of a few tasks allocates nothing") {
    CHECK(allocations_of(1000, []() -> task<> {
              auto all = co_await tuyau::when_all(yield_once(), at_once(1), at_once(2));
              expect(std::get<2>(all) == 2, "another value");
              auto any = co_await tuyau::when_any(sleep_long(), yield_once());
              expect(any.index == 1, "another winner");
          }) == 0);
}

TEMPLATE_TEST_CASE("waiting for each other allocates nothing", "", of_one_loop, of_several_loops) {
    typename TestType::channel items(1);
    typename TestType::mutex gate;
    typename TestType::semaphore units(1);
    CHECK(allocations_of(1000, [&]() -> task<> {
              typename TestType::event raised;
              typename TestType::latch down(2);
              scope others;
              const auto side = [](auto& event, auto& latch, auto& mutex, auto& semaphore, auto& channel) -> task<> {
                  co_await event.wait();
                  {
                      auto held = co_await mutex.lock();
                      co_await semaphore.acquire();
                      co_await tuyau::yield();
                      semaphore.release();
                  }
                  co_await latch.arrive_and_wait();
                  co_await channel.send(1);
              };
              others.spawn(side(raised, down, gate, units, items));
              others.spawn(side(raised, down, gate, units, items));
              raised.set();
              for (int item = 0; item < 2; ++item) {
                  auto received = co_await items.receive();
                  expect(received.has_value(), "no item");
              }
              auto stopped = co_await tuyau::with_deadline(
                  -1s, [](auto& from) -> task<result<int>> { co_return co_await from.receive(); }(items));
              expect(!stopped, "an item from nowhere");
              co_await others.join();
          }) == 0);
}

TEST_CASE("handing a call to another loop allocates nothing, here and there") {
    tuyau::workers cores({.count = 1});
    const auto there = [] { return tests::allocations(); };
    const auto ask = [&cores, there]() -> task<std::size_t> {
        auto call = [there]() -> task<std::size_t> {
            co_await tuyau::yield();
            co_return there();
        };
        co_return co_await tuyau::run_on(cores[0], call);
    };
    int calls = 0;
    std::size_t first = 0;
    std::size_t last = 0;
    CHECK(allocations_of(1000, [&]() -> task<> {
              last = co_await ask();
              if (++calls == 100) first = last; // warm from here on
          }) == 0);
    CHECK(last == first);
}

TEST_CASE("handing a call to its own loop allocates nothing") {
    CHECK(allocations_of(1000, []() -> task<> {
              auto call = [] { return at_once(7); };
              const int value = co_await tuyau::run_on(loop::current().handle(), call);
              expect(value == 7, "another value");
          }) == 0);
}
