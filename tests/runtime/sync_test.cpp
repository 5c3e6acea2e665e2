#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

#include "helpers.hpp"
#include "synchronisation_sets.hpp"

using namespace std::chrono_literals;
using tests::of_one_loop;
using tests::of_several_loops;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;

namespace {

template <class Waited>
task<> note(Waited& waited, std::vector<int>& order, int name) {
    auto outcome = co_await waited.wait();
    order.push_back(outcome ? name : -name);
}

task<> acquire_and_note(auto& units, std::vector<int>& order, int name) {
    auto outcome = co_await units.acquire();
    order.push_back(outcome ? name : -name);
}

} // namespace

#define BOTH_SETS of_one_loop, of_several_loops

TEMPLATE_TEST_CASE("an event lets go everybody who waits, and whoever comes until it is reset", "", BOTH_SETS) {
    loop here;
    typename TestType::event raised;
    std::vector<int> order;
    here.run([](auto& event, std::vector<int>& to) -> task<> {
        scope waiting;
        waiting.spawn(note(event, to, 1));
        waiting.spawn(note(event, to, 2));
        co_await tuyau::yield();
        CHECK(to.empty());
        event.set();
        CHECK(event.is_set());
        co_await waiting.join();
        auto at_once = co_await event.wait();
        CHECK(at_once);
        event.reset();
        waiting.spawn(note(event, to, 3));
        waiting.stop();
        co_await waiting.join();
    }(raised, order));
    CHECK(order == std::vector{1, 2, -3});
}

TEMPLATE_TEST_CASE("an event that is set and reset before the woken run has let them go", "", BOTH_SETS) {
    loop here;
    typename TestType::event raised;
    std::vector<int> order;
    here.run([](auto& event, std::vector<int>& to) -> task<> {
        scope waiting;
        waiting.spawn(note(event, to, 1));
        event.set();
        event.reset();
        co_await waiting.join();
    }(raised, order));
    CHECK(order == std::vector{1});
}

TEMPLATE_TEST_CASE("a latch lets go at zero, once, and for good", "", BOTH_SETS) {
    loop here;
    typename TestType::latch gate(3);
    std::vector<int> order;
    here.run([](auto& latch, std::vector<int>& to) -> task<> {
        scope waiting;
        waiting.spawn(note(latch, to, 1));
        latch.count_down(2);
        co_await tuyau::yield();
        CHECK(to.empty());
        auto arrived = co_await latch.arrive_and_wait();
        CHECK(arrived);
        CHECK(latch.is_down());
        co_await waiting.join();
        auto afterwards = co_await latch.wait();
        CHECK(afterwards);
    }(gate, order));
    CHECK(order == std::vector{1});
}

TEST_CASE("a latch counted down below zero is a broken contract") {
    CHECK(tests::broken_contract_of([] {
              tuyau::latch gate(1);
              gate.count_down(2);
          }) == "a latch was counted down below zero");
}

TEMPLATE_TEST_CASE("a semaphore serves first come, first served, and nobody passes those who wait", "", BOTH_SETS) {
    loop here;
    typename TestType::semaphore units(1);
    std::vector<int> order;
    here.run([](auto& semaphore, std::vector<int>& to) -> task<> {
        auto mine = co_await semaphore.acquire();
        CHECK(mine);
        scope waiting;
        for (int name = 1; name <= 3; ++name) waiting.spawn(acquire_and_note(semaphore, to, name));
        semaphore.release();
        CHECK_FALSE(semaphore.try_acquire()); // it has been given to the first in line, who has not run yet
        CHECK(semaphore.available() == 0);
        semaphore.release(2);
        co_await waiting.join();
        semaphore.release(3);
        CHECK(semaphore.available() == 3);
        CHECK(semaphore.try_acquire());
    }(units, order));
    CHECK(order == std::vector{1, 2, 3});
}

TEMPLATE_TEST_CASE("who is stopped while waiting for a unit takes none, and who waits behind is served", "",
                   BOTH_SETS) {
    loop here;
    typename TestType::semaphore units(0);
    std::vector<int> order;
    here.run([](auto& semaphore, std::vector<int>& to) -> task<> {
        scope first;
        scope second;
        first.spawn(acquire_and_note(semaphore, to, 1));
        second.spawn(acquire_and_note(semaphore, to, 2));
        first.stop();
        co_await first.join();
        semaphore.release();
        co_await second.join();
        CHECK(semaphore.available() == 0);
    }(units, order));
    CHECK(order == std::vector{-1, 2});
}

TEMPLATE_TEST_CASE("a unit whose new owner is destroyed before it runs goes to the next in line", "", BOTH_SETS) {
    loop here;
    typename TestType::semaphore units(0);
    std::vector<int> order;
    here.run([](auto& semaphore, std::vector<int>& to) -> task<> {
        auto doomed = tests::loose::start(acquire_and_note(semaphore, to, 1));
        scope next;
        next.spawn(acquire_and_note(semaphore, to, 2));
        semaphore.release();
        doomed.destroy();
        co_await next.join();
        auto waiting = tests::loose::start(acquire_and_note(semaphore, to, 3));
        waiting.destroy();
        semaphore.release();
        CHECK(semaphore.available() == 1);
    }(units, order));
    CHECK(order == std::vector{2});
}

TEMPLATE_TEST_CASE("a mutex keeps others out across an await, and its guard lets them in", "", BOTH_SETS) {
    loop here;
    typename TestType::mutex exclusive;
    int inside = 0;
    int most = 0;
    here.run([](auto& mutex, int& now, int& at_most) -> task<> {
        auto enter = [](auto& gate, int& in, int& peak) -> task<> {
            auto held = co_await gate.lock();
            REQUIRE(held);
            peak = std::max(peak, ++in);
            co_await tuyau::yield();
            --in;
        };
        scope all;
        for (int count = 0; count < 20; ++count) all.spawn(enter(mutex, now, at_most));
        CHECK_FALSE(mutex.try_lock().owns_lock());
        co_await all.join();
        auto taken = mutex.try_lock();
        CHECK(taken.owns_lock());
        auto moved = std::move(taken);
        CHECK_FALSE(taken.owns_lock());
        moved.unlock();
        CHECK(mutex.try_lock().owns_lock());
    }(exclusive, inside, most));
    CHECK(most == 1);
}

TEMPLATE_TEST_CASE("waiting for a mutex may be stopped", "", BOTH_SETS) {
    loop here;
    typename TestType::mutex exclusive;
    here.run([](auto& mutex) -> task<> {
        auto held = co_await mutex.lock();
        auto lock = [](auto& gate) -> task<result<void>> {
            auto second = co_await gate.lock();
            if (!second) co_return tuyau::failure(second.error());
            co_return result<void>();
        };
        auto outcome = co_await tuyau::with_deadline(1ms, lock(mutex));
        CHECK(outcome.error() == std::errc::timed_out);
        held->unlock();
        CHECK(mutex.try_lock().owns_lock());
    }(exclusive));
}

TEST_CASE("a mutex destroyed while it is locked is a broken contract") {
    CHECK(tests::broken_contract_of([] {
              auto gate = std::make_unique<tuyau::mutex>();
              auto held = gate->try_lock();
              gate.reset();
          }) == "a mutex was destroyed while it was locked");
}

TEMPLATE_TEST_CASE("waiting on what is ready at once does not suspend, and a stop comes first", "", BOTH_SETS) {
    loop here;
    typename TestType::semaphore units(5);
    here.run([](auto& semaphore) -> task<> {
        auto take = [](auto& from) -> task<result<void>> { co_return co_await from.acquire(); };
        auto stopped = co_await tuyau::with_deadline(-1s, take(semaphore));
        CHECK(stopped.error() == std::errc::timed_out);
        CHECK(semaphore.available() == 5);
        auto taken = co_await take(semaphore);
        CHECK(taken);
    }(units));
    CHECK(units.available() == 4);
}
