#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/line_reader.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using namespace tuyau;

namespace {

task<> echo(tcp_stream client) {
    for (;;) {
        auto data = co_await client.receive();
        if (!data || data->empty()) break;
        if (!co_await client.send(data->text())) break;
    }
}

task<> serve(tcp_listener& listener, int clients) {
    scope all;
    for (int i = 0; i < clients; ++i) {
        auto client = co_await listener.accept();
        if (!client) break;
        all.spawn(echo(std::move(*client)));
    }
    co_await all.join();
}

task<> ask(endpoint where, std::size_t size, std::size_t& received) {
    auto stream = co_await connect(where);
    REQUIRE(stream);
    std::string text(size, 'x');
    scope sender;
    sender.spawn([](tcp_stream& s, const std::string& bytes) -> task<> {
        auto sent = co_await s.send(bytes);
        CHECK(sent);
        CHECK(s.shutdown_send());
    }(*stream, text));
    for (;;) {
        auto data = co_await stream->receive();
        REQUIRE(data);
        if (data->empty()) break;
        received += data->size();
    }
    co_await sender.join();
}

} // namespace

TEST_CASE("many megabytes come back whole from an echo on the same loop") {
    loop here;
    std::size_t received = 0;
    here.run([](std::size_t& total) -> task<> {
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope both;
        both.spawn(serve(listener, 1));
        both.spawn(ask(listener.local_endpoint().value(), 20'000'000, total));
        co_await both.join();
    }(received));
    CHECK(received == 20'000'000);
}

TEST_CASE("a hundred connections at once are served on one loop") {
    loop here;
    std::size_t received = 0;
    here.run([](std::size_t& total) -> task<> {
        auto listener = tcp_listener::bind(endpoint("::1", 0)).value();
        scope both;
        both.spawn(serve(listener, 100));
        for (int i = 0; i < 100; ++i) both.spawn(ask(listener.local_endpoint().value(), 10'000, total));
        co_await both.join();
    }(received));
    CHECK(received == 1'000'000);
}

TEST_CASE("a deadline ends a receive that nothing comes for") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        auto client = co_await connect(listener.local_endpoint().value());
        REQUIRE(client);
        auto got = co_await with_deadline(
            20ms, [](tcp_stream& s) -> task<result<buffer>> { co_return co_await s.receive(); }(*client));
        REQUIRE_FALSE(got);
        CHECK(got.error() == std::errc::timed_out);
        auto slept = co_await with_deadline(5s, []() -> task<result<void>> { co_return co_await sleep_for(1ms); }());
        CHECK(slept);
    }());
}

TEST_CASE("connecting to a port where nobody listens is refused") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        auto where = listener.local_endpoint().value();
        listener.close();
        co_await yield();
        auto client = co_await connect("localhost", where.port());
        REQUIRE_FALSE(client);
        CHECK(client.error() == std::errc::connection_refused);
        auto nobody = co_await connect("no-such-name.invalid", 80);
        REQUIRE_FALSE(nobody);
        INFO(nobody.error().message());
    }());
}
