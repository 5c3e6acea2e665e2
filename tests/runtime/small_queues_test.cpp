// However much happens at once, the queues shared with the kernel may be as small as eight entries: everything ends exactly
// once, with its own outcome.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <sys/syscall.h>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

#include "helpers.hpp"

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;

namespace {

tuyau::loop_options queues_of_eight() {
    return {.ring = {.submission_entries = 8, .completion_entries = 8}, .buffers = {.initial = 2, .most = 2}};
}

task<> sleep_and_count(std::chrono::nanoseconds length, int& slept, int& stopped) {
    auto outcome = co_await tuyau::sleep_for(length);
    ++(outcome ? slept : stopped);
}

/// How one of many requests ended: 0, or the error; -1 while it has not.
task<> read_and_note(int fd, int& ended) {
    std::array<std::byte, 1> space{};
    auto size = co_await tuyau::read_some(fd, space);
    CHECK(ended == -1);
    ended = size ? 0 : size.error().value();
}

constexpr int many_requests = 10'000;

} // namespace

TEST_CASE("fifty thousand sleeps at once end, each once, and none of them is a request") {
    loop here(queues_of_eight());
    int slept = 0;
    int stopped = 0;
    here.run([](int& ended, int& cut_short) -> task<> {
        scope sleepers;
        for (int sleeper = 0; sleeper < 50'000; ++sleeper)
            sleepers.spawn(sleep_and_count(std::chrono::microseconds(sleeper), ended, cut_short));
        CHECK(loop::current().requests().in_flight() == 0);
        co_await sleepers.join();
    }(slept, stopped));
    CHECK(slept == 50'000);
    CHECK(stopped == 0);
}

TEST_CASE("fifty thousand sleeps are stopped at once") {
    loop here(queues_of_eight());
    int slept = 0;
    int stopped = 0;
    here.run([](int& ended, int& cut_short) -> task<> {
        scope sleepers;
        for (int sleeper = 0; sleeper < 50'000; ++sleeper) sleepers.spawn(sleep_and_count(1h, ended, cut_short));
        sleepers.stop();
        co_await sleepers.join();
    }(slept, stopped));
    CHECK(slept == 0);
    CHECK(stopped == 50'000);
}

TEST_CASE("ten thousand requests in flight are cancelled at once, and each ends once with its own outcome") {
    loop here(queues_of_eight());
    auto pipe = tests::descriptor_pair::pipe();
    std::vector<int> outcomes(many_requests, -1);
    here.run([](tests::descriptor_pair& ends, std::vector<int>& ended) -> task<> {
        scope readers;
        for (int& each : ended) readers.spawn(read_and_note(ends.first(), each));
        co_await tests::nop();
        CHECK(loop::current().requests().in_flight() == many_requests);
        tests::write_now(ends.second(), "1234567");
        readers.stop();
        co_await readers.join();
    }(pipe, outcomes));
    CHECK(here.requests().in_flight() == 0);
    const auto read = std::count(outcomes.begin(), outcomes.end(), 0);
    CHECK(read + std::count(outcomes.begin(), outcomes.end(), ECANCELED) == many_requests);
    // What was not read by one of them is still in the pipe.
    tests::write_now(pipe.second(), "end");
    ::close(pipe.take_second());
    CHECK(tests::read_now(pipe.first(), 100) == std::string("1234567end").substr(static_cast<std::size_t>(read)));
}

TEST_CASE("ten thousand coroutines are destroyed with their requests in flight") {
    loop here(queues_of_eight());
    auto pipe = tests::descriptor_pair::pipe();
    std::vector<int> outcomes(many_requests, -1);
    here.run([](int fd, std::vector<int>& ended) -> task<> {
        scope readers;
        for (int& each : ended) readers.spawn(read_and_note(fd, each));
        co_await tests::nop();
        co_return;
    }(pipe.first(), outcomes));
    CHECK(here.requests().in_flight() == 0);
    CHECK(std::count(outcomes.begin(), outcomes.end(), -1) == many_requests);
}

TEST_CASE("a hundred coroutines make their requests in one go") {
    loop here(queues_of_eight());
    int done = 0;
    here.run([](int& count) -> task<> {
        scope all;
        for (int index = 0; index < 100; ++index) {
            all.spawn([](int& to) -> task<> {
                auto outcome = co_await tests::nop();
                if (outcome) ++to;
            }(count));
        }
        co_await all.join();
    }(done));
    CHECK(done == 100);
}

TEST_CASE("nine requests that depend on each other need no link: each is awaited before the next is made") {
    loop here(queues_of_eight());
    auto pipe = tests::descriptor_pair::pipe();
    here.run([](tests::descriptor_pair& ends) -> task<> {
        for (int number = 0; number < 9; ++number) {
            const std::string text = std::to_string(number);
            auto written = co_await tuyau::write_all(ends.second(), std::as_bytes(std::span(text)));
            REQUIRE(written);
            char read = 0;
            auto size = co_await tuyau::read_some(ends.first(), std::as_writable_bytes(std::span(&read, 1)));
            REQUIRE(size.value() == 1);
            CHECK(read == text[0]);
        }
    }(pipe));
}

TEST_CASE("a million timers are armed and cancelled without a call into the kernel") {
    const auto ended = tests::in_child([] {
        loop here(queues_of_eight());
        return here.run([]() -> task<int> {
            co_await tests::nop(); // whatever a loop submits at its start has been
            const auto& ring = loop::current().requests();
            if (ring.prepared() != 0) co_return 1;
            tests::forbid(__NR_io_uring_enter, EPERM); // a call ends the child from here on, as one that has no remedy

            struct limit final : tuyau::timer_node {
                void expire() noexcept override {}
            };
            {
                std::vector<limit> timers(1'000'000);
                const auto now = loop::current().now();
                for (std::size_t index = 0; index < timers.size(); ++index)
                    loop::current().arm(timers[index], now + std::chrono::milliseconds(index));
            }
            // As deadlines of tasks that end in time.
            auto at_once = []() -> task<> { co_return; };
            for (int time = 0; time < 100'000; ++time) {
                auto done = co_await tuyau::with_deadline(1h, at_once());
                if (!done) co_return 2;
            }
            if (ring.prepared() != 0) co_return 3;
            co_return 0;
        }());
    });
    CHECK(ended.errors == "");
    CHECK(ended.exit_code == 0);
}

TEST_CASE("a burst of sleeps that are stopped makes no request") {
    loop here(queues_of_eight());
    here.run([]() -> task<> {
        co_await tests::nop();
        int slept = 0;
        int stopped = 0;
        for (int burst = 0; burst < 100; ++burst) {
            scope sleepers;
            for (int sleeper = 0; sleeper < 1000; ++sleeper) sleepers.spawn(sleep_and_count(1h, slept, stopped));
            sleepers.stop();
            co_await sleepers.join();
            const auto& ring = loop::current().requests();
            REQUIRE(ring.prepared() == 0);
            REQUIRE(ring.in_flight() == 0);
        }
        CHECK(slept == 0);
        CHECK(stopped == 100'000);
    }());
}
