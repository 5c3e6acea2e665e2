// Streams under a stop: nothing that has come is lost.

#include <tuyau/net/tcp_stream.hpp>

#include <cstddef>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tcp_stream_helpers.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using namespace tests;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;

TEST_CASE("a stop ends a receive, and what comes later is not lost") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        for (int count = 0; count < 3; ++count) {
            auto late = co_await tuyau::with_deadline(2ms, receive_from(stream));
            CHECK(late.error() == std::errc::timed_out);
            std::string space(10, '\0');
            auto fill = [](tcp_stream& from, std::string& into) -> task<result<std::size_t>> {
                co_return co_await from.receive(space_in(into));
            };
            auto later = co_await tuyau::with_deadline(2ms, fill(stream, space));
            CHECK(later.error() == std::errc::timed_out);
            tests::write_now(ends.second(), "late");
            auto data = co_await stream.receive();
            CHECK(data.value().text() == "late");
        }
    }(pair));
}

TEST_CASE("data that arrives in the race with a stop is delivered, then or at the next receive") {
    const tuyau::feature_set without = GENERATE(from_range(tests::every_way()));
    loop here({.ring = {.without = without}, .buffers = {}});
    for (int order = 0; order < 6; ++order) {
        auto pair = descriptor_pair::tcp();
        here.run([](descriptor_pair& ends, int when) -> task<> {
            tcp_stream stream(ends.take_first());
            std::string outcome;
            scope receiver;
            receiver.spawn(note(receive_from(stream), outcome));
            for (int round = 0; round < when / 2; ++round) co_await tests::nop();
            if (when % 2 == 0) tests::write_now(ends.second(), "data");
            receiver.stop();
            if (when % 2 == 1) tests::write_now(ends.second(), "data");
            co_await receiver.join();
            if (outcome == "cancelled") {
                auto data = co_await stream.receive();
                CHECK(data.value().text() == "data");
            } else {
                CHECK(outcome == "data");
            }
        }(pair, order));
    }
}

TEST_CASE("a task that was asked to stop receives nothing more, although its peer never pauses") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        int received = 0;
        std::string last;
        scope receiver;
        receiver.spawn([](tcp_stream& from, int& count, std::string& end) -> task<> {
            for (;;) {
                auto data = co_await from.receive();
                if (!data) end = tuyau::is_cancelled(data.error()) ? "cancelled" : "failed";
                if (!data) co_return;
                ++count;
            }
        }(stream, received, last));
        for (int count = 0; count < 20; ++count) {
            tests::write_now(ends.second(), "more");
            co_await tests::nop();
        }
        CHECK(received > 0);
        tests::write_now(ends.second(), "and more");
        receiver.stop();
        const int before = received;
        co_await receiver.join();
        CHECK(last == "cancelled");
        CHECK(received <= before + 1); // what was on its way to it when the stop came
    }(pair));
}

TEST_CASE("a stream may be closed, or destroyed, after its receiver was stopped and before that goes on") {
    const tuyau::feature_set without = GENERATE(from_range(tests::every_way()));
    loop here({.ring = {.without = without}, .buffers = {}});
    auto pair = descriptor_pair::tcp();
    std::string outcome;
    here.run([](loop& on, descriptor_pair& ends, std::string& to) -> task<> {
        tcp_stream stream(ends.take_first());
        scope waiting;
        waiting.spawn(note(receive_from(stream), to));
        co_await tests::nop(); // the kernel has been asked
        waiting.stop();
        stream.close();
        on.wait_until([&] { return on.requests().in_flight() == 0; }); // nothing of the stream is left
        co_await waiting.join();
    }(here, pair, outcome));
    CHECK(outcome == "cancelled");
}

TEST_CASE("a stop ends a send that the peer does not read") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        const std::string much(20'000'000, 'x');
        auto sent = co_await tuyau::with_deadline(5ms, send_to(stream, much));
        CHECK(sent.error() == std::errc::timed_out);
        CHECK(loop::current().requests().in_flight() == 0);
    }(pair));
}
