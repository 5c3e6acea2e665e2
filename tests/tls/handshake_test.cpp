// What two ends agree on, and how it is told when they do not.

#include <tuyau/net/tls/tls_stream.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "ends.hpp"

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using tests::certificates;
using tests::two_ends;
using tuyau::loop;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;
using tuyau::tls_context;
using tuyau::tls_errc;
using tuyau::tls_stream;
using tuyau::tls_version;

namespace {

/// What a client, or a server, says of a peer that says `bytes` and closes.
std::pair<std::error_code, std::string> told_of(std::string bytes, bool by_client = true) {
    const certificates files;
    loop here;
    return here.run(
        [](const certificates& with, std::string words, bool client) -> task<std::pair<std::error_code, std::string>> {
            tests::descriptor_pair pair = tests::descriptor_pair::tcp();
            tests::write_now(pair.first(), words);
            ::shutdown(pair.first(), SHUT_WR);
            tls_stream<> stream(tcp_stream(pair.take_second()), client ? with.client_context() : with.server_context(),
                                client ? "localhost" : "");
            auto done = co_await with_deadline(60s, stream.handshake());
            if (done) co_return std::pair(std::error_code(), std::string("done"));
            co_return std::pair(done.error(), stream.explanation());
        }(files, std::move(bytes), by_client));
}

} // namespace

TEST_CASE("a peer that does not speak TLS is told by what it seems to speak") {
    for (const auto& [bytes, words] : std::vector<std::pair<std::string, std::string>>{
             {"HTTP/1.1 400 Bad Request\r\n\r\n", "look like HTTP"},
             {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "look like SSH"},
             {"220 mail.example ESMTP\r\n", "look like SMTP or FTP"},
             {"hello\x01there, and so on", "are 'hello?there, and'"},
             {"x", "are 'x'"},
         }) {
        INFO(bytes);
        const auto [error, text] = told_of(bytes);
        CHECK(error == tls_errc::not_tls);
        CHECK(text == "the server does not speak TLS (its first bytes " + words + ")");
    }
    const auto [error, text] = told_of("GET / HTTP/1.1\r\nHost: here\r\n\r\n", false);
    CHECK(error == tls_errc::not_tls);
    CHECK(text == "the client does not speak TLS (its first bytes look like HTTP)");
}

TEST_CASE("a peer that closes during the handshake is told so") {
    CHECK(told_of("").first == tls_errc::closed_in_handshake);
    CHECK(told_of("").second == "the server closed the connection without a word of TLS");
    CHECK(told_of("\x16\x03\x03").first == tls_errc::closed_in_handshake);
    CHECK(told_of("", false).second == "the client closed the connection without a word of TLS");
}

TEST_CASE("a peer that refuses is told by its reason") {
    const auto alert = [](char number) { return std::string("\x15\x03\x03\x00\x02\x02", 6) + number; };
    CHECK(told_of(alert(40)).first == tls_errc::no_common_cipher);
    CHECK(told_of(alert(70)).first == tls_errc::no_common_version);
    CHECK(told_of(alert(70)).second == "the server speaks no TLS >= 1.2");
    CHECK(told_of(alert(112)).first == tls_errc::refused_by_peer);
    CHECK(told_of(alert(112)).second == "the server broke TLS off: unrecognized name");
    CHECK(told_of(alert(120)).first == tls_errc::no_common_protocol);
    CHECK(told_of(alert(116)).first == tls_errc::certificate_refused);
}

TEST_CASE("a server hello of TLS 1.0 is too old") {
    const std::string hello = std::string("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01", 11) + std::string(32, 'r') +
                              std::string("\x00\x00\x2f\x00", 4);
    CHECK(told_of(hello).first == tls_errc::no_common_version);
    CHECK(told_of(hello).second == "the server speaks no TLS >= 1.2");
}

TEST_CASE("two ends without a version in common both say so") {
    const certificates files;
    loop here;
    const auto server = tls_context::server({.certificate_file = files / "server.pem", .most = tls_version::tls1_2});
    const auto client = tls_context::client({.ca_file = files / "root.pem", .least = tls_version::tls1_3});
    two_ends<> ends(server, client);
    const auto [of_server, of_client] = here.run(ends.handshake());
    CHECK(of_server.error == tls_errc::no_common_version);
    CHECK(of_server.explanation == "the client speaks no TLS >= 1.2");
    CHECK(of_client.error == tls_errc::no_common_version);
    CHECK(of_client.explanation == "the server speaks no TLS >= 1.3");
}

TEST_CASE("the protocol above is agreed on by the server's preference") {
    const certificates files;
    const auto agreed = [&](std::vector<std::string> by_server, std::vector<std::string> by_client) {
        loop here;
        two_ends<> ends(
            tls_context::server({.certificate_file = files / "server.pem", .protocols = std::move(by_server)}),
            tls_context::client({.ca_file = files / "root.pem", .protocols = std::move(by_client)}));
        const auto [of_server, of_client] = here.run(ends.handshake());
        if (of_client.error) return "refused: " + of_client.explanation;
        CHECK_FALSE(of_server.error);
        CHECK(ends.server.protocol() == ends.client.protocol());
        return std::string(ends.client.protocol());
    };
    CHECK(agreed({"h2", "http/1.1"}, {"http/1.1"}) == "http/1.1");
    CHECK(agreed({"h2", "http/1.1"}, {"http/1.1", "h2"}) == "h2");
    CHECK(agreed({}, {"http/1.1"}).empty());
    CHECK(agreed({"http/1.1"}, {}).empty());
    CHECK(agreed({"h2"}, {"http/1.1"}) == "refused: the server and we have no application protocol in common (ALPN)");
}

TEST_CASE("a session is resumed by the client that had it, with each version, and with nobody else's name") {
    const certificates files;
    for (const auto version : {tls_version::tls1_2, tls_version::tls1_3}) {
        const auto server = tls_context::server({.certificate_file = files / "server.pem", .most = version});
        const auto client = tls_context::client({.ca_file = files / "root.pem"});
        const auto resumed = [&](const tls_context& with) {
            loop here;
            return here.run([](const tls_context& server_side, const tls_context& client_side) -> task<bool> {
                two_ends<> ends(server_side, client_side);
                co_await ends.connect();
                auto sent = co_await ends.server.send("x"); // behind the tickets
                REQUIRE(sent);
                auto received = co_await ends.client.receive();
                REQUIRE(received);
                CHECK(ends.client.session_reused() == ends.server.session_reused());
                co_return ends.client.session_reused();
            }(server, with));
        };
        CHECK_FALSE(resumed(client));
        CHECK(resumed(client));
        CHECK(resumed(client));
        CHECK_FALSE(resumed(files.client_context()));
        const auto forgetful = tls_context::client({.ca_file = files / "root.pem", .sessions = 0});
        CHECK_FALSE(resumed(forgetful));
        CHECK_FALSE(resumed(forgetful));
        loop here;
        two_ends<> other(server, client, "other.example");
        CHECK(here.run(other.handshake()).second.error == tls_errc::wrong_name);
    }
}

TEST_CASE("a peer that never answers is given up when the deadline has passed") {
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        for (const bool by_client : {true, false}) {
            tests::descriptor_pair pair = tests::descriptor_pair::tcp();
            tls_stream<> stream(tcp_stream(pair.take_first()),
                                by_client ? with.client_context() : with.server_context(),
                                by_client ? "localhost" : "");
            auto done = co_await with_deadline(10ms, stream.handshake());
            REQUIRE_FALSE(done);
            CHECK(done.error() == std::errc::timed_out);
        }
    }(files));
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("a conversation over TLS may be stopped or destroyed at any step") {
    const certificates files;
    struct outcome {
        bool finished = false;
    };
    const auto talk = [](two_ends<>& ends, outcome& of) -> task<> {
        auto handshaken = co_await ends.handshake();
        if (handshaken.first.error || handshaken.second.error) co_return;
        for (int rounds = 0; rounds < 3; ++rounds) {
            auto sent = co_await ends.client.send("ping");
            if (!sent) co_return;
            auto heard = co_await ends.server.receive();
            if (!heard) co_return;
            sent = co_await ends.server.send("pong");
            if (!sent) co_return;
            heard = co_await ends.client.receive();
            if (!heard) co_return;
        }
        auto ended = co_await ends.client.shutdown_send();
        of.finished = ended.has_value();
    };
    for (const bool destroy : {true, false}) {
        int steps = 0;
        for (bool finished = false; !finished; ++steps) {
            REQUIRE(steps < 1000);
            loop here;
            here.run([](const certificates& with, auto conversation, int left, bool by_force, bool& is_over) -> task<> {
                two_ends<> ends(with.server_context(), with.client_context());
                outcome of;
                if (by_force) {
                    auto running = tests::loose::start(conversation(ends, of));
                    for (int round = 0; round < left && !running.done(); ++round) co_await tests::nop();
                } else {
                    scope running;
                    running.spawn(conversation(ends, of));
                    for (int round = 0; round < left && !running.empty(); ++round) co_await tests::nop();
                    running.stop();
                    co_await running.join();
                }
                is_over = of.finished;
            }(files, talk, steps, destroy, finished));
            CHECK(here.requests().in_flight() == 0);
        }
        CHECK(steps > 5);
    }
}
