#include <tuyau/net/tls/tls_stream.hpp>

#include <chrono>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "authority.hpp"
#include "runtime/helpers.hpp"
#include "support/temporary_folder.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using namespace tuyau;

static_assert(byte_stream<tls_stream<>>);
static_assert(byte_stream<tls_stream<tls_stream<>>>);

TEST_CASE("a line and its answer go over TLS") {
    const tests::temporary_folder folder;
    const tests::identity root({.common_name = "root", .may_issue = true});
    const tests::identity own = root.issue({.names = {"DNS:localhost"}});
    folder.write("root.pem", root.certificate());
    folder.write("server.pem", own.certificate() + own.key());
    loop here;
    here.run([](const tests::temporary_folder& files) -> task<> {
        const auto server = tls_context::server({.certificate_file = files / "server.pem"});
        const auto client = tls_context::client({.ca_file = files / "root.pem"});
        tests::descriptor_pair pair = tests::descriptor_pair::tcp();
        scope peer;
        peer.spawn([](tcp_stream transport, tls_context context) -> task<> {
            tls_stream<> stream(std::move(transport), context);
            auto done = co_await stream.handshake();
            REQUIRE(done);
            auto line = co_await stream.receive();
            REQUIRE(line);
            CHECK(line->text() == "a line\n");
            auto sent = co_await stream.send("an ", "answer\n");
            CHECK(sent);
            auto ended = co_await stream.shutdown_send();
            CHECK(ended);
            auto end = co_await stream.receive();
            REQUIRE(end);
            CHECK(end->empty());
        }(tcp_stream(pair.take_first()), server));
        tls_stream<> stream(tcp_stream(pair.take_second()), client, "localhost");
        auto done = co_await with_deadline(10s, stream.handshake());
        INFO(stream.explanation());
        REQUIRE(done);
        CHECK(stream.version() == "TLSv1.3");
        auto sent = co_await stream.send("a line\n");
        CHECK(sent);
        auto answer = co_await stream.receive();
        REQUIRE(answer);
        CHECK(answer->text() == "an answer\n");
        auto end = co_await stream.receive();
        REQUIRE(end);
        CHECK(end->empty());
        auto ended = co_await stream.shutdown_send();
        CHECK(ended);
        co_await peer.join();
    }(folder));
}
