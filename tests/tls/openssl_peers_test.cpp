// The same with an end that is not ours: openssl's own s_server and s_client.

#include <tuyau/net/tls/tls_stream.hpp>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "ends.hpp"
#include "support/process.hpp"

#include <tuyau/net/connect.hpp>
#include <tuyau/net/tcp_listener.hpp>

using tests::certificates;
using tests::process;
using tuyau::endpoint;
using tuyau::loop;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tls_context;
using tuyau::tls_errc;
using tuyau::tls_stream;

namespace {

/// openssl s_server with these arguments besides, on a port of its choice.
class openssl_server : public process {
public:
    openssl_server(const certificates& files, std::vector<std::string> arguments)
        : process(command(files, std::move(arguments))) {
        std::string line;
        while (!line.starts_with("ACCEPT ")) line = read_line().value();
        port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
    }
    std::uint16_t port() const noexcept { return port_; }

private:
    static std::vector<std::string> command(const certificates& files, std::vector<std::string> arguments) {
        std::vector<std::string> all{"openssl", "s_server",           "-accept", "127.0.0.1:0",
                                     "-cert",   files / "server.pem", "-key",    files / "server.pem"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return all;
    }
    std::uint16_t port_ = 0;
};

task<tls_stream<>> connect_to(std::uint16_t port, tls_context context) {
    auto transport = co_await tuyau::connect(endpoint("127.0.0.1", port));
    tls_stream<> stream(std::move(transport.value()), context, "localhost");
    auto done = co_await stream.handshake();
    if (!done) throw std::system_error(done.error(), stream.explanation());
    co_return stream;
}

task<std::string> receive_until(tls_stream<>& from, std::string end) {
    std::string all;
    while (!all.ends_with(end)) {
        auto received = co_await from.receive();
        if (!received || received->empty()) throw std::runtime_error("the stream ended after: " + all);
        all += received->text();
    }
    co_return all;
}

} // namespace

TEST_CASE("a client of ours talks to openssl's server, which changes keys in the middle and resumes the session") {
    for (const char* version : {"-tls1_3", "-tls1_2"}) {
        const certificates files;
        openssl_server server(files, {version, "-alpn", "h2,http/1.1", "-naccept", "2"});
        const auto context = tls_context::client({.ca_file = files / "root.pem", .protocols = {"http/1.1"}});
        const bool new_keys = std::string(version) == "-tls1_3";
        loop here;
        for (const bool resumed : {false, true}) {
            here.run([](openssl_server& peer, tls_context with, bool again, bool changes) -> task<> {
                auto stream = co_await connect_to(peer.port(), with);
                CHECK(stream.session_reused() == again);
                CHECK(stream.protocol() == "http/1.1");
                auto sent = co_await stream.send("to the server\n");
                REQUIRE(sent);
                peer.read_until("to the server\n");
                if (changes) {
                    peer.write("K\n"); // new keys here, and there too
                    sent = co_await stream.send("K was seen\n");
                    REQUIRE(sent);
                    peer.read_until("K was seen\n"); // it looks at its input first
                }
                peer.write("to the client\n");
                auto line = co_await receive_until(stream, "to the client\n");
                CHECK(line == "to the client\n");
                sent = co_await stream.send("with the new keys\n");
                REQUIRE(sent);
                peer.read_until("with the new keys\n");
                auto ended = co_await stream.shutdown_send();
                CHECK(ended);
                auto end = co_await stream.receive();
                REQUIRE(end);
                CHECK(end->empty());
            }(server, context, resumed, new_keys));
        }
        CHECK(server.wait() == 0);
    }
}

TEST_CASE("openssl's client talks to a server of ours, with a certificate that is asked for") {
    const certificates files;
    const tests::identity somebody = files.root.issue({.common_name = "somebody"});
    files.write("client.pem", somebody.certificate() + somebody.key());
    const auto context = tls_context::server({.certificate_file = files / "server.pem",
                                              .protocols = {"http/1.1"},
                                              .client = tuyau::tls_server_options::client_certificate::required,
                                              .client_ca_file = files / "root.pem"});
    loop here;
    here.run([](const certificates& with, tls_context settings) -> task<> {
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        process peer({"openssl", "s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost",
                      "-connect", listener.local_endpoint()->to_string(), "-servername", "localhost", "-CAfile",
                      with / "root.pem", "-cert", with / "client.pem", "-key", with / "client.pem", "-alpn",
                      "http/1.1"});
        auto transport = co_await listener.accept();
        REQUIRE(transport);
        tls_stream<> stream(std::move(*transport), settings);
        auto done = co_await stream.handshake();
        REQUIRE(done);
        CHECK(stream.server_name() == "localhost");
        CHECK(stream.protocol() == "http/1.1");
        CHECK(stream.peer_certificate()->subject == "CN = somebody");
        peer.write("a question\n");
        auto question = co_await receive_until(stream, "\n");
        CHECK(question == "a question\n");
        auto sent = co_await stream.send("an answer\n");
        REQUIRE(sent);
        CHECK(peer.read_until("an answer\n").ends_with("an answer\n"));
        auto ended = co_await stream.shutdown_send();
        CHECK(ended);
        auto end = co_await stream.receive();
        REQUIRE(end);
        CHECK(end->empty());
    }(files, context));
}

TEST_CASE("openssl's server that is killed in the middle of an answer is a connection cut short") {
    const certificates files;
    openssl_server server(files, {"-tls1_3"});
    loop here;
    here.run([](openssl_server& peer, tls_context with) -> task<> {
        auto stream = co_await connect_to(peer.port(), with);
        peer.write("a part\n");
        auto part = co_await receive_until(stream, "a part\n");
        CHECK(part == "a part\n");
        peer.signal(SIGKILL);
        auto received = co_await stream.receive();
        REQUIRE_FALSE(received);
        CHECK((received.error() == tls_errc::truncated || received.error() == std::errc::connection_reset));
    }(server, files.client_context()));
}

TEST_CASE("openssl's server that speaks TLS 1.1 only is told to be too old") {
    const certificates files;
    openssl_server server(files, {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"});
    loop here;
    here.run([](openssl_server& peer, tls_context with) -> task<> {
        auto transport = co_await tuyau::connect(endpoint("127.0.0.1", peer.port()));
        REQUIRE(transport);
        tls_stream<> stream(std::move(*transport), with, "localhost");
        auto done = co_await stream.handshake();
        REQUIRE_FALSE(done);
        CHECK(done.error() == tls_errc::no_common_version);
        CHECK(stream.explanation() == "the server speaks no TLS >= 1.2");
    }(server, files.client_context()));
}
