// A TLS stream behaves as a TCP stream does: both directions, halves, ends, stops.

#include <tuyau/net/tls/tls_stream.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include "ends.hpp"
#include "trickle.hpp"

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::certificates;
using tests::pattern;
using tests::receive_all;
using tests::two_ends;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;
using tuyau::tls_buffer;
using tuyau::tls_errc;
using tuyau::tls_stream;
using tuyau::with_deadline;

static_assert(tuyau::byte_stream<tls_stream<>>);
static_assert(tuyau::byte_stream<tls_stream<tls_stream<>>>);
static_assert(tuyau::byte_stream<tests::trickle>);

namespace {

/// Sends all of `text`, then ends the sending; throws when that fails.
template <class Stream>
task<> say(tls_stream<Stream>& to, std::string text) {
    auto sent = co_await to.send(text);
    sent.value();
    auto ended = co_await to.shutdown_send();
    ended.value();
}

template <class Stream>
task<> hear(tls_stream<Stream>& from, std::string& all) {
    all = co_await receive_all(from);
}

/// Each end says all of what it is given while it hears the other.
template <class Stream>
task<> converse(two_ends<Stream>& ends, std::string from_client, std::string from_server) {
    std::string at_server;
    std::string at_client;
    scope all;
    all.spawn(say(ends.client, from_client));
    all.spawn(say(ends.server, from_server));
    all.spawn(hear(ends.server, at_server));
    all.spawn(hear(ends.client, at_client));
    co_await all.join();
    CHECK(at_server == from_client);
    CHECK(at_client == from_server);
}

} // namespace

TEST_CASE("bytes go both ways at once, however many") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        CHECK(ends.client.version() == "TLSv1.3");
        CHECK(ends.client.cipher().starts_with("TLS_"));
        CHECK(ends.server.server_name() == "localhost");
        CHECK(ends.server.local_endpoint().value() == ends.client.peer_endpoint().value());
        co_await with_deadline(60s, converse(ends, pattern(20'000'000), pattern(19'999'999)));
    }(files));
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("receive buffers of any size serve, those of less than a record and of several") {
    const certificates files;
    for (const unsigned size : {512U, 16U * 1024, 64U * 1024, 256U * 1024}) {
        INFO(size);
        tuyau::loop_options options;
        options.buffers = {.size = size, .initial = 16, .most = 256};
        loop here(options);
        here.run([](const certificates& with) -> task<> {
            two_ends<> ends(with.server_context(), with.client_context());
            co_await ends.connect();
            co_await with_deadline(60s, converse(ends, pattern(3'000'000), pattern(2'999'999)));
        }(files));
        CHECK(here.requests().in_flight() == 0);
    }
}

TEST_CASE("bytes go both ways with TLS 1.2 too") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        const auto client =
            tuyau::tls_context::client({.ca_file = with / "root.pem", .most = tuyau::tls_version::tls1_2});
        two_ends<> ends(with.server_context(), client);
        co_await ends.connect();
        CHECK(ends.client.version() == "TLSv1.2");
        co_await with_deadline(60s, converse(ends, pattern(1'000'000), pattern(999'999)));
    }(files));
}

// A sender then meets the server's tickets half read, and waits with the receiver for the rest.
TEST_CASE("a transport that brings a byte at a time changes nothing") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<tests::trickle> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        co_await with_deadline(60s, converse(ends, pattern(50'000), pattern(49'999)));
    }(files));
}

TEST_CASE("a sender alone reads what TLS itself has to say to it") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<tests::trickle> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        std::string heard;
        scope both;
        both.spawn(hear(ends.server, heard));
        // Receives one byte of the first ticket, and is stopped.
        for (int rounds = 0; rounds < 4; ++rounds) {
            auto looked = co_await with_deadline(0s, ends.client.readable());
            CHECK((!looked || !*looked));
        }
        co_await with_deadline(60s, say(ends.client, pattern(100'000)));
        co_await both.join();
        CHECK(heard == pattern(100'000));
    }(files));
}

TEST_CASE("TLS goes over TLS") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> outer(with.server_context(), with.client_context());
        co_await outer.connect();
        tls_stream<tls_stream<>> server(std::move(outer.server), with.server_context());
        tls_stream<tls_stream<>> client(std::move(outer.client), with.client_context(), "localhost");
        scope both;
        both.spawn([](tls_stream<tls_stream<>>& end) -> task<> {
            auto done = co_await end.handshake();
            done.value();
            co_await say(end, pattern(1'000'000));
        }(server));
        auto done = co_await client.handshake();
        REQUIRE(done);
        std::string all;
        co_await with_deadline(60s, hear(client, all));
        CHECK(all == pattern(1'000'000));
        co_await both.join();
    }(files));
}

TEST_CASE("many small sends arrive whole and together, and pieces share a record") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        std::string expected;
        for (int number = 0; number < 300; ++number) {
            const std::string each = std::to_string(number) + "\n";
            auto sent = co_await ends.client.send(each);
            REQUIRE(sent);
            expected += each;
        }
        std::vector<iovec> pieces(700, iovec{});
        std::string text = pattern(700);
        for (std::size_t index = 0; index < pieces.size(); ++index)
            pieces[index] = {&text[index], index % 3 == 0 ? 0u : 1u};
        for (std::size_t index = 0; index < text.size(); ++index)
            expected += index % 3 == 0 ? "" : std::string(1, text[index]);
        auto sent = co_await ends.client.send(std::span(pieces));
        REQUIRE(sent);
        sent = co_await ends.client.send("one ", "two ", std::string("three"));
        REQUIRE(sent);
        expected += "one two three";
        auto ended = co_await ends.client.shutdown_send();
        REQUIRE(ended);
        auto all = co_await receive_all(ends.server);
        CHECK(all == expected);
    }(files));
}

TEST_CASE("what comes can be received into the caller's memory, in parts") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        auto sent = co_await ends.client.send("0123456789");
        REQUIRE(sent);
        std::array<std::byte, 4> space{};
        std::string all;
        while (all.size() < 10) {
            auto received = co_await ends.server.receive(std::span<std::byte>(space));
            REQUIRE(received);
            all.append(reinterpret_cast<const char*>(space.data()), *received);
        }
        CHECK(all == "0123456789");
        auto none = co_await ends.server.receive(std::span<std::byte>());
        CHECK(none.error() == std::errc::invalid_argument);
        auto ended = co_await ends.client.shutdown_send();
        REQUIRE(ended);
        auto end = co_await ends.server.receive(std::span<std::byte>(space));
        REQUIRE(end);
        CHECK(*end == 0);
    }(files));
}

TEST_CASE("what was received outlives its stream and its loop") {
    const certificates files;
    tls_buffer kept;
    {
        loop here;
        here.run([](const certificates& with, tls_buffer& to) -> task<> {
            two_ends<> ends(with.server_context(), with.client_context());
            co_await ends.connect();
            auto sent = co_await ends.client.send("to be kept");
            REQUIRE(sent);
            auto received = co_await ends.server.receive();
            REQUIRE(received);
            to = std::move(*received);
        }(files, kept));
    }
    kept.remove_prefix(3);
    CHECK(kept.text() == "be kept");
}

TEST_CASE("after the end of its sending a stream still receives, and cannot send") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        auto ended = co_await ends.client.shutdown_send();
        REQUIRE(ended);
        ended = co_await ends.client.shutdown_send();
        CHECK(ended);
        auto sent = co_await ends.client.send("too late");
        CHECK(sent.error() == std::errc::broken_pipe);
        auto end = co_await ends.server.receive();
        REQUIRE(end);
        CHECK(end->empty());
        co_await say(ends.server, pattern(100'000));
        auto all = co_await receive_all(ends.client);
        CHECK(all == pattern(100'000));
        end = co_await ends.client.receive();
        REQUIRE(end);
        CHECK(end->empty());
        bool there = co_await ends.client.readable();
        CHECK(there);
    }(files));
}

TEST_CASE("an end of the connection that is none of TLS is an error, after all that came before it") {
    const certificates files;
    for (const bool in_the_middle_of_a_record : {false, true}) {
        loop here;
        here.run([](const certificates& with, bool cut) -> task<> {
            two_ends<> ends(with.server_context(), with.client_context());
            co_await ends.connect();
            auto sent = co_await ends.server.send("a part");
            REQUIRE(sent);
            if (cut) {
                static constexpr char head[] = {23, 3, 3, 0, 100}; // of a record that does not come
                auto& transport = const_cast<tcp_stream&>(ends.server.transport());
                auto forged = co_await transport.send(std::string_view(head, sizeof head));
                REQUIRE(forged);
            }
            ends.server.close();
            auto received = co_await ends.client.receive();
            REQUIRE(received);
            CHECK(received->text() == "a part");
            for (int again = 0; again < 2; ++again) {
                received = co_await ends.client.receive();
                REQUIRE_FALSE(received);
                CHECK(received.error() == tls_errc::truncated);
            }
            CHECK(ends.client.explanation() == "the server ended the connection without the end of TLS: what came may "
                                               "have been cut short");
        }(files, in_the_middle_of_a_record));
    }
}

TEST_CASE("bytes that were changed on the way are an error") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        auto& transport = const_cast<tcp_stream&>(ends.server.transport());
        auto forged = co_await transport.send(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
        REQUIRE(forged);
        auto received = co_await ends.client.receive();
        REQUIRE_FALSE(received);
        CHECK(received.error() == tls_errc::protocol_violated);
        auto sent = co_await ends.client.send("more");
        CHECK(sent.error() == tls_errc::protocol_violated);
        auto told = co_await ends.server.receive(); // why it was broken off
        REQUIRE_FALSE(told);
        CHECK(told.error() == tls_errc::refused_by_peer);
        CHECK(ends.server.explanation() == "the client broke TLS off: bad record mac");
    }(files));
}

TEST_CASE("readable waits for bytes of the peer's, not for what TLS says by itself, and takes nothing") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect(); // the server's tickets are on their way
        std::optional<bool> there;
        scope waiting;
        waiting.spawn([](tls_stream<>& stream, std::optional<bool>& to) -> task<> {
            to = co_await stream.readable();
        }(ends.client, there));
        auto unrelated = co_await ends.client.send("a round trip");
        REQUIRE(unrelated);
        auto heard = co_await ends.server.receive();
        REQUIRE(heard);
        CHECK_FALSE(there);
        auto sent = co_await ends.server.send("now");
        REQUIRE(sent);
        co_await waiting.join();
        CHECK(there == true);
        auto received = co_await ends.client.receive();
        REQUIRE(received);
        CHECK(received->text() == "now");
    }(files));
}

TEST_CASE("a receive that is stopped loses nothing, at whatever byte it is") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<tests::trickle> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        scope saying;
        saying.spawn(say(ends.server, pattern(20'000)));
        std::string all;
        int stops = 0;
        for (bool ended = false; !ended;) {
            // A stop that is there from the start lets one byte be looked at, at most.
            auto received = co_await with_deadline(std::chrono::microseconds(stops % 7 * 50), ends.client.receive());
            if (!received) {
                REQUIRE(received.error() == std::errc::timed_out);
                ++stops;
                co_await tuyau::yield();
                continue;
            }
            all += received->text();
            ended = received->empty();
        }
        CHECK(stops > 0);
        CHECK(all == pattern(20'000));
        co_await saying.join();
    }(files));
}

TEST_CASE("a send that is stopped has sent a part at most, and the next one follows it") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        const std::string much = pattern(30'000'000);
        auto sent = co_await with_deadline(20ms, ends.client.send(much)); // nobody reads: it cannot end
        REQUIRE_FALSE(sent);
        CHECK(sent.error() == std::errc::timed_out);
        std::string heard;
        scope hearing;
        hearing.spawn(hear(ends.server, heard));
        co_await say(ends.client, "what follows");
        co_await hearing.join();
        REQUIRE(heard.ends_with("what follows"));
        heard.resize(heard.size() - std::string_view("what follows").size());
        CHECK(heard.size() < much.size());
        CHECK(much.starts_with(heard));
    }(files));
}

TEST_CASE("a send that is destroyed in the middle breaks the stream's sending, and nothing else") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        const std::string much = pattern(30'000'000);
        {
            auto sending = tests::loose::start(
                [](tls_stream<>& to, const std::string& what) -> task<> { co_await to.send(what); }(ends.client, much));
            CHECK_FALSE(sending.done());
        }
        auto sent = co_await ends.client.send("more");
        CHECK(sent.error() == std::errc::connection_aborted);
        auto told = co_await ends.server.send("to be heard");
        REQUIRE(told);
        auto received = co_await ends.client.receive();
        REQUIRE(received);
        CHECK(received->text() == "to be heard");
    }(files));
}

TEST_CASE("a stream may be closed, moved or broken off while another coroutine waits on it") {
    const certificates files;
    for (const int way : {0, 1, 2}) {
        loop here;
        here.run([](const certificates& with, int how) -> task<> {
            two_ends<> ends(with.server_context(), with.client_context());
            co_await ends.connect();
            std::optional<result<tls_buffer>> outcome;
            scope waiting;
            waiting.spawn([](tls_stream<>& stream, std::optional<result<tls_buffer>>& to) -> task<> {
                to.emplace(co_await stream.receive());
            }(ends.client, outcome));
            tls_stream<> moved;
            if (how == 0) ends.client.close();
            if (how == 1) ends.client.abort();
            if (how == 2) {
                moved = std::move(ends.client);
                auto sent = co_await ends.server.send("found");
                REQUIRE(sent);
            }
            co_await waiting.join();
            REQUIRE(outcome);
            if (how == 2) {
                REQUIRE(*outcome);
                CHECK((*outcome)->text() == "found");
            } else {
                CHECK_FALSE(*outcome);
            }
            if (how == 1) CHECK(outcome->error() == tls_errc::truncated);
            if (how != 1) {
                CHECK_FALSE(ends.client.is_open());
                auto sent = co_await ends.client.send("x");
                CHECK(sent.error().value() == EBADF);
                auto received = co_await ends.client.receive();
                CHECK(received.error().value() == EBADF);
                auto shaken = co_await ends.client.handshake();
                CHECK(shaken.error().value() == EBADF);
                auto ended = co_await ends.client.shutdown_send();
                CHECK(ended.error().value() == EBADF);
            }
        }(files, way));
        CHECK(here.requests().in_flight() == 0);
    }
}

TEST_CASE("before its handshake a stream is not connected") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        auto sent = co_await ends.client.send("x");
        CHECK(sent.error() == std::errc::not_connected);
        auto received = co_await ends.client.receive();
        CHECK(received.error() == std::errc::not_connected);
        auto ended = co_await ends.client.shutdown_send();
        CHECK(ended.error() == std::errc::not_connected);
    }(files));
}
