// What a caller may give by mistake has a defined outcome: an error value where it can come from outside of the program, a
// sentence that ends it where only the program itself can be wrong.

#include <chrono>
#include <csignal>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/blocking.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/interval.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>
#include <tuyau/runtime/workers.hpp>

#include "helpers.hpp"
#include "synchronisation_sets.hpp"

using namespace std::chrono_literals;
using tests::broken_contract_of;
using tests::of_one_loop;
using tests::of_several_loops;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;

namespace {

constexpr auto empty_task = "an empty task was awaited (was it moved from?)";

task<> sleep_long() { co_await tuyau::sleep_for(1h); }
task<> nothing() { co_return; }

/// The sentence that ends a program which runs the task that `make` gives.
template <class Make>
std::string sentence_of(Make make) {
    return broken_contract_of([&] {
        loop here;
        here.run(make());
    });
}

} // namespace

TEST_CASE("an empty task is refused wherever a task is taken") {
    CHECK(broken_contract_of([] { loop().run(task<>()); }) == empty_task);
    CHECK(sentence_of([]() -> task<> { co_await tuyau::with_deadline(1h, task<>()); }) == empty_task);
    CHECK(sentence_of([]() -> task<> { co_await tuyau::with_stop(std::stop_token(), task<>()); }) == empty_task);
    CHECK(sentence_of([]() -> task<> { co_await tuyau::shield(task<>()); }) == empty_task);
    CHECK(sentence_of([]() -> task<> { co_await tuyau::when_all(task<>()); }) == empty_task);
    CHECK(sentence_of([]() -> task<> { co_await tuyau::when_any(nothing(), task<>()); }) == empty_task);
    CHECK(sentence_of([]() -> task<> { co_await tuyau::when_all(std::vector<task<>>(2)); }) == empty_task);
    CHECK(sentence_of([]() -> task<> {
              scope children;
              children.spawn(task<result<void>>());
              co_return;
          }) == "an empty task was spawned (was it moved from?)");
    CHECK(sentence_of([]() -> task<> {
              scope children;
              co_await children.spawn_bounded(task<>());
          }) == "an empty task was spawned (was it moved from?)");
    CHECK(sentence_of([]() -> task<> { co_await tuyau::run_on(loop::current().handle(), task<>()); }) ==
          "an empty task was handed to a loop (was it moved from?)");
}

TEST_CASE("when_all of nothing gives nothing") {
    loop here;
    here.run([]() -> task<> {
        const auto none = co_await tuyau::when_all();
        CHECK(std::tuple_size_v<decltype(none)> == 0);
    }());
}

TEST_CASE("a task handed to no loop is refused") {
    CHECK(sentence_of([]() -> task<> { co_await tuyau::run_on(tuyau::loop_handle(), nothing()); }) ==
          "a task was handed to no loop");
}

TEST_CASE("a loop is run and destroyed on the thread that made it, and the last one first") {
    CHECK(broken_contract_of([] {
              loop here;
              std::jthread([&here] { here.run(nothing()); }).join();
          }) == "loop::run was called on another thread than the one that made the loop");
    const auto destroyed = "a loop was destroyed on another thread than the one that made it, or before a later one";
    CHECK(broken_contract_of([] {
              auto here = std::make_unique<loop>();
              std::jthread([&here] { here.reset(); }).join();
          }) == destroyed);
    CHECK(broken_contract_of([] {
              auto first = std::make_unique<loop>();
              const loop second;
              first.reset();
          }) == destroyed);
}

TEST_CASE("queues of no entries are made with some, and queues without end with as many as there can be") {
    for (const unsigned entries : {0u, 1u, std::numeric_limits<unsigned>::max()}) {
        loop here({.ring = {.submission_entries = entries, .completion_entries = entries}, .buffers = {}});
        here.run([]() -> task<> {
            for (int time = 0; time < 3; ++time) {
                auto done = co_await tests::nop();
                CHECK(done);
            }
        }());
    }
}

TEST_CASE("a scope is used on its children's thread") {
    const auto beside = [](auto use) {
        return broken_contract_of([&use] {
            loop here;
            here.run([](auto& act) -> task<> {
                auto children = std::make_unique<scope>();
                children->spawn(sleep_long());
                std::jthread([&] { act(children); }).join();
                co_return;
            }(use));
        });
    };
    CHECK(beside([](auto& children) { children->spawn(nothing()); }) ==
          "a scope was used on another thread than its children's");
    CHECK(beside([](auto& children) { children->stop(); }) ==
          "a scope was stopped on another thread than its children's (see with_stop)");
    CHECK(beside([](auto& children) { children.reset(); }) ==
          "a scope was destroyed on another thread than its children's");
}

TEST_CASE("a scope without children belongs to no thread") {
    scope children;
    std::jthread([&children] {
        loop here;
        children.spawn(nothing());
        children.stop();
    }).join();
    loop here;
    int ran = 0;
    here.run([](scope& all, int& count) -> task<> {
        all.spawn([](int& to) -> task<> {
            co_await tuyau::yield(); // who was stopped still runs
            ++to;
        }(count));
        co_await all.join();
    }(children, ran));
    CHECK(ran == 1);
}

TEST_CASE("a scope has room for a child, outlives who waits on it, and is never waited for to have fewer than none") {
    CHECK(broken_contract_of([] { const scope none(0); }) == "a scope needs room for at least one child");
    CHECK(sentence_of([]() -> task<> {
              scope children;
              co_await children.fewer_than(0);
          }) == "there are never fewer children than none, and the wait for that would not end");
    const auto waits = "a scope was destroyed while a coroutine that is not its child waits on it";
    const auto destroyed_under = [](auto wait) {
        return broken_contract_of([&wait] {
            loop here;
            here.run([](auto& how) -> task<> {
                std::optional<scope> children(std::in_place, 1);
                children->spawn(sleep_long());
                scope others;
                others.spawn(how(*children));
                children.reset();
                co_return;
            }(wait));
        });
    };
    CHECK(destroyed_under([](scope& on) -> task<> { co_await on.join(); }) == waits);
    CHECK(destroyed_under([](scope& on) -> task<> { co_await on.fewer_than(1); }) == waits);
    CHECK(destroyed_under([](scope& on) -> task<> { co_await on.spawn_bounded(nothing()); }) == waits);
}

TEST_CASE("a child may wait for its siblings, and is destroyed with its scope") {
    loop here;
    here.run([]() -> task<> {
        std::optional<scope> children(std::in_place);
        children->spawn([](scope& own) -> task<> { co_await own.fewer_than(1); }(*children));
        children.reset();
        co_return;
    }());
}

TEST_CASE("a coroutine with a request in flight is destroyed on its own thread") {
    CHECK(broken_contract_of([] {
              loop here;
              const auto pipe = tests::descriptor_pair::pipe();
              std::array<std::byte, 1> space{};
              auto read = [](int fd, std::span<std::byte> into) -> task<> { co_await tuyau::read_some(fd, into); };
              auto reading = tests::loose::start(read(pipe.first(), space));
              std::jthread([&reading] {
                  loop another;
                  reading.destroy();
              }).join();
          }) == "a coroutine was stopped or destroyed on another thread than that of the loop that it waits on");
}

TEST_CASE("a deadline outlives its task, has one at a time, and is stopped on its thread") {
    CHECK(sentence_of([]() -> task<> {
              std::optional<tuyau::deadline> limit(std::in_place, 1h);
              scope children;
              auto run = [](tuyau::deadline& under) -> task<> { co_await tuyau::with_deadline(under, sleep_long()); };
              children.spawn(run(*limit));
              limit.reset();
              co_return;
          }) == "a deadline was destroyed before the task that runs under it");
    CHECK(sentence_of([]() -> task<> {
              tuyau::deadline limit;
              co_await tuyau::when_all(tuyau::with_deadline(limit, sleep_long()),
                                       tuyau::with_deadline(limit, sleep_long()));
          }) == "two tasks were run under one deadline at the same time");
    CHECK(sentence_of([]() -> task<> {
              tuyau::deadline limit;
              scope children;
              auto run = [](tuyau::deadline& under) -> task<> { co_await tuyau::with_deadline(under, sleep_long()); };
              children.spawn(run(limit));
              std::jthread([&limit] { limit.request_stop(); }).join();
              co_return;
          }) == "a task was asked to stop on another thread than its own (see with_stop)");
}

TEST_CASE("a deadline serves one task after another") {
    loop here;
    here.run([]() -> task<> {
        tuyau::deadline limit(1h);
        for (int time = 0; time < 2; ++time) {
            auto done = co_await tuyau::with_deadline(limit, nothing());
            CHECK(done);
        }
    }());
}

TEST_CASE("times that are negative, no number or beyond the clock are no time or for ever") {
    using clock = loop::clock;
    loop here;
    here.run([]() -> task<> {
        const std::chrono::duration<double> no_number(std::numeric_limits<double>::quiet_NaN());
        const std::chrono::duration<double> endless(std::numeric_limits<double>::infinity());
        CHECK(tuyau::later(clock::time_point(), no_number) == clock::time_point());
        CHECK(tuyau::later(clock::time_point(), endless) == clock::time_point::max());
        CHECK(tuyau::later(clock::time_point(), -endless) == clock::time_point());
        for (const auto& none : {no_number, -endless}) {
            auto slept = co_await tuyau::sleep_for(none);
            CHECK(slept);
        }
        auto past = co_await tuyau::sleep_until(clock::time_point::min());
        CHECK(past);
        const auto wait = []() -> task<result<void>> { co_return co_await tuyau::sleep_for(1h); };
        auto at_once = co_await tuyau::with_deadline(clock::time_point::min(), wait());
        CHECK(at_once.error() == std::errc::timed_out);
        auto never = co_await tuyau::with_deadline(endless, nothing());
        CHECK(never);
    }());
}

TEST_CASE("an interval has a period, however long") {
    CHECK(broken_contract_of([] { tuyau::interval never(0s); }) == "an interval needs a period longer than zero");
    CHECK(broken_contract_of([] { tuyau::interval backwards(-1s); }) == "an interval needs a period longer than zero");
    loop here;
    here.run([]() -> task<> {
        tuyau::interval ages(std::chrono::hours::max());
        auto next = co_await tuyau::with_deadline(1ms, ages.next());
        CHECK(next.error() == std::errc::timed_out);
        tuyau::interval seconds(std::chrono::steady_clock::time_point(), 1s); // since the machine was started
        auto missed = co_await seconds.next();
        CHECK(missed.value() > 0);
        tuyau::interval once(std::chrono::steady_clock::time_point::min(), std::chrono::nanoseconds::max());
        auto first = co_await once.next();
        CHECK(first.value() == 1);
        auto second = co_await tuyau::with_deadline(1ms, once.next());
        CHECK(second.error() == std::errc::timed_out);
    }());
}

TEST_CASE("descriptors that are not open, and space for nothing, are errors or no bytes") {
    loop here;
    here.run([]() -> task<> {
        std::array<std::byte, 1> space{};
        auto read = co_await tuyau::read_some(-1, space);
        CHECK(read.error() == std::errc::bad_file_descriptor);
        auto written = co_await tuyau::write_all(-1, space);
        CHECK(written.error() == std::errc::bad_file_descriptor);
        auto no_bytes = co_await tuyau::write_all(-1, "");
        CHECK(no_bytes);
        auto pipe = tests::descriptor_pair::pipe();
        tests::write_now(pipe.second(), "x");
        auto into_nothing = co_await tuyau::read_some(pipe.first(), {});
        CHECK(into_nothing.value() == 0);
        CHECK(tests::read_now(pipe.first(), 1) == "x");
    }());
}

TEST_CASE("numbers that are no signal, and signals that nobody can receive, are refused before anything is blocked") {
    const std::size_t before = tests::open_descriptors();
    for (int number : {0, -1, 65, 1 << 20, SIGKILL, SIGSTOP})
        CHECK_THROWS_AS(tuyau::signal_set({SIGUSR2, number}), std::system_error);
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    CHECK(sigismember(&blocked, SIGUSR2) == 0);
    CHECK(tests::open_descriptors() == before);
    loop here;
    here.run([]() -> task<> {
        tuyau::signal_set none{};
        auto never = co_await tuyau::with_deadline(1ms, none.next());
        CHECK(never.error() == std::errc::timed_out);
    }());
}

TEST_CASE("a call for a blocking thread that is no call says so where it is awaited") {
    loop here;
    here.run([]() -> task<> {
        bool thrown = false;
        try {
            auto value = co_await tuyau::blocking(std::function<int()>());
            (void)value;
        } catch (const std::bad_function_call&) {
            thrown = true;
        }
        CHECK(thrown);
    }());
}

TEST_CASE("there are as many workers as there are") {
    CHECK(broken_contract_of([] {
              const tuyau::workers cores({.count = 1});
              (void)cores[1];
          }) == "there is no worker of that index");
}

namespace {

/// The sentence that ends a program which destroys a `Waited` under the coroutine that waits as `wait` says.
template <class Waited, class Wait, class... Argument>
std::string destroyed_under(Wait wait, Argument... argument) {
    return sentence_of([&]() -> task<> {
        std::optional<Waited> waited(std::in_place, argument...);
        scope waiting;
        waiting.spawn(wait(*waited));
        waited.reset();
        co_return;
    });
}

} // namespace

TEMPLATE_TEST_CASE("what is waited for is not destroyed under those who wait", "", of_one_loop, of_several_loops) {
    const auto wait = [](auto& on) -> task<> { co_await on.wait(); };
    CHECK(destroyed_under<typename TestType::event>(wait) == "an event was destroyed while a coroutine waits for it");
    CHECK(destroyed_under<typename TestType::latch>(wait, 1u) ==
          "a latch was destroyed while a coroutine waits for it");
    const auto acquire = [](auto& from) -> task<> { co_await from.acquire(); };
    CHECK(destroyed_under<typename TestType::semaphore>(acquire, 0u) ==
          "a semaphore was destroyed while a coroutine waits for it");
    const auto receive = [](auto& from) -> task<> { co_await from.receive(); };
    CHECK(destroyed_under<typename TestType::channel>(receive, 1u) ==
          "a channel was destroyed while a coroutine waits on it");
    const auto send_two = [](auto& to) -> task<> {
        co_await to.send(1);
        co_await to.send(2);
    };
    CHECK(destroyed_under<typename TestType::channel>(send_two, 1u) ==
          "a channel was destroyed while a coroutine waits on it");
}

TEMPLATE_TEST_CASE("counts beyond what can be counted are refused", "", of_one_loop, of_several_loops) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    CHECK(broken_contract_of([] {
              typename TestType::semaphore units(1);
              units.release(most);
          }) == "a semaphore was given more units than it can count");
    CHECK(broken_contract_of([] {
              typename TestType::latch down(0);
              down.count_down();
          }) == "a latch was counted down below zero");
    const typename TestType::latch down(0);
    CHECK(down.is_down());
    typename TestType::semaphore units(0);
    units.release(0);
    CHECK(units.available() == 0);
    CHECK_FALSE(units.try_acquire());
}

TEMPLATE_TEST_CASE("ending something twice is ending it once", "", of_one_loop, of_several_loops) {
    typename TestType::channel items(1);
    items.close();
    items.close();
    CHECK(items.closed());
    CHECK_FALSE(items.try_send(1));
    CHECK_FALSE(items.try_receive());
    typename TestType::mutex gate;
    auto held = gate.try_lock();
    held.unlock();
    held.unlock();
    CHECK(gate.try_lock().owns_lock());
    typename TestType::mutex::guard none;
    none.unlock();
    CHECK_FALSE(none.owns_lock());
}
