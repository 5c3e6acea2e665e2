// Streams and how they end: in order, by a reset, by closing and by aborting.

#include <tuyau/net/tcp_stream.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

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

TEST_CASE("sending to a peer that is gone is an error value, and so is receiving from it") {
    loop here;
    for (const bool by_reset : {true, false}) {
        auto pair = descriptor_pair::tcp();
        here.run([](descriptor_pair& ends, bool with_reset) -> task<> {
            tcp_stream stream(ends.take_first());
            if (with_reset)
                reset(ends.take_second());
            else
                ::close(ends.take_second());
            std::error_code error;
            for (int count = 0; count < 100 && !error; ++count) {
                auto sent = co_await stream.send("are you there?");
                if (!sent) error = sent.error();
            }
            CHECK((error == std::errc::broken_pipe || error == std::errc::connection_reset));
            auto again = co_await stream.send("hello?");
            REQUIRE_FALSE(again);
            CHECK(again.error() == std::errc::broken_pipe);
        }(pair, by_reset));
    }
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        reset(ends.take_second());
        auto data = co_await stream.receive();
        REQUIRE_FALSE(data);
        CHECK(data.error() == std::errc::connection_reset);
    }(pair));
}

TEST_CASE("data that came before a reset is delivered before the error is") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        std::string outcome;
        tests::write_now(ends.second(), "one");
        auto first = co_await stream.receive();
        CHECK(first.value().text() == "one");
        tests::write_now(ends.second(), "two");
        co_await tests::nop(); // it is kept before the reset comes
        co_await tests::nop();
        reset(ends.take_second());
        auto second = co_await stream.receive();
        CHECK(second.value().text() == "two");
        for (int count = 0; count < 2; ++count) {
            auto third = co_await stream.receive();
            CHECK(third.error() == std::errc::connection_reset);
        }
    }(pair));
}

TEST_CASE("a reset that a send was told of is no orderly end to who receives") {
    for (const bool into_memory : {false, true}) {
        loop here;
        auto pair = descriptor_pair::tcp();
        here.run([](descriptor_pair& ends, bool own_memory) -> task<> {
            tcp_stream stream(ends.take_first());
            tests::write_now(ends.second(), "half of what was");
            reset(ends.take_second());
            auto sent = co_await stream.send("are you there?");
            REQUIRE_FALSE(sent);
            CHECK(sent.error() == std::errc::connection_reset);
            std::string space(100, '\0');
            if (own_memory) {
                auto first = co_await stream.receive(space_in(space));
                CHECK(first.value() == 16);
                auto second = co_await stream.receive(space_in(space));
                REQUIRE_FALSE(second);
                CHECK(second.error() == std::errc::connection_reset);
            } else {
                std::string outcome;
                co_await receive_until_end(stream, outcome);
                CHECK(outcome == "half of what was<Connection reset by peer>");
            }
        }(pair, into_memory));
    }
}

TEST_CASE("a reset in the middle of a send is no orderly end to who receives") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "half of what was");
        const std::string much(32 << 20, '.');
        std::string outcome;
        scope sending;
        const auto send_much = [&]() -> task<> {
            auto sent = co_await stream.send(much);
            CHECK_FALSE(sent);
        };
        sending.spawn(send_much());
        for (int count = 0; count < 10; ++count) co_await tests::nop(); // until no more of it fits
        reset(ends.take_second());
        co_await sending.join();
        co_await receive_until_end(stream, outcome);
        CHECK(outcome == "half of what was<Connection reset by peer>");
    }(pair));
}

TEST_CASE("an end that came in order stays one, although a send finds nobody any more") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "all of it");
        ::close(ends.take_second());
        std::error_code error;
        for (int count = 0; count < 100 && !error; ++count) {
            auto sent = co_await stream.send("are you there?");
            if (!sent) error = sent.error();
        }
        CHECK(error == std::errc::broken_pipe);
        std::string outcome;
        co_await receive_until_end(stream, outcome);
        CHECK(outcome == "all of it");
    }(pair));
}

TEST_CASE("closing a stream ends the connection at once, although the kernel was asked to receive on it") {
    loop here;
    auto pair = descriptor_pair::tcp();
    const std::size_t before = tests::open_descriptors();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "x");
        auto data = co_await stream.receive();
        CHECK(data);
        data->release();
        stream.close();
        co_await tests::rounds_until([] { return loop::current().requests().in_flight() == 0; });
        CHECK(tests::read_now(ends.second(), 1).empty());
    }(pair));
    CHECK(tests::open_descriptors() <= before - 1);
}

TEST_CASE("who waits on a stream that another coroutine closes is woken, in every way of waiting") {
    loop here;
    const std::size_t before = tests::open_descriptors();
    {
        auto leasing = descriptor_pair::tcp();
        auto filling = descriptor_pair::tcp();
        auto sending = descriptor_pair::tcp();
        here.run([](descriptor_pair& one, descriptor_pair& two, descriptor_pair& three) -> task<> {
            std::optional<tcp_stream> first(std::in_place, one.take_first());
            std::optional<tcp_stream> second(std::in_place, two.take_first());
            std::optional<tcp_stream> third(std::in_place, three.take_first());
            const std::string much(20'000'000, 'x');
            std::string leased;
            std::string filled;
            std::string sent;
            scope waiting;
            waiting.spawn(note(receive_from(*first), leased));
            waiting.spawn([](tcp_stream& from, std::string& outcome) -> task<> {
                std::string space(10, '\0');
                auto size = co_await from.receive(space_in(space));
                outcome = size ? "data" : tuyau::is_cancelled(size.error()) ? "cancelled" : size.error().message();
            }(*second, filled));
            waiting.spawn([](tcp_stream& to, const std::string& text, std::string& outcome) -> task<> {
                auto done = co_await to.send(text);
                outcome = done ? "sent" : "failed";
            }(*third, much, sent));
            for (int round = 0; round < 5; ++round) co_await tests::nop();
            CHECK((leased + filled + sent).empty());
            first.reset();
            second.reset();
            third.reset();
            auto joined =
                co_await tuyau::with_deadline(30s, [](scope& all) -> task<> { co_await all.join(); }(waiting));
            CHECK(joined);
            CHECK(leased == "cancelled");
            CHECK(filled == "cancelled");
            CHECK(sent == "failed");
        }(leasing, filling, sending));
    }
    here.wait_until([&] { return here.requests().in_flight() == 0; });
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a descriptor stays out of use while a send on its closed stream is in flight") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        const int number = ends.first();
        tcp_stream stream(ends.take_first());
        const std::string much(20'000'000, 'x');
        scope sender;
        sender.spawn([](tcp_stream& to, const std::string& text) -> task<> {
            auto sent = co_await to.send(text);
            CHECK_FALSE(sent);
        }(stream, much));
        co_await tests::nop();
        stream.close();
        auto other = descriptor_pair::pipe(); // takes the lowest numbers that are free
        CHECK(other.first() != number);
        CHECK(other.second() != number);
        co_await sender.join();
        auto after = descriptor_pair::pipe();
        CHECK((after.first() == number || after.second() == number));
    }(pair));
}

TEST_CASE("aborting a stream wakes who receives and who sends on it") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        const std::string much(20'000'000, 'x');
        std::string received;
        std::optional<result<void>> sent;
        scope both;
        both.spawn(note(receive_from(stream), received));
        both.spawn([](tcp_stream& to, const std::string& text, std::optional<result<void>>& out) -> task<> {
            out = co_await send_to(to, text);
        }(stream, much, sent));
        for (int round = 0; round < 5; ++round) co_await tests::nop();
        stream.abort();
        co_await both.join();
        CHECK(received == "end");
        REQUIRE(sent);
        CHECK_FALSE(*sent);
        CHECK(stream.is_open());
    }(pair));
}
