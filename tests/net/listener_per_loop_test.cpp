#include <array>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/workers.hpp>

#include "helpers.hpp"

using tuyau::endpoint;
using tuyau::loop;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tcp_stream;

namespace {

task<> answer(tcp_stream client, char name) {
    co_await client.send(std::string_view(&name, 1));
    co_await client.receive();
}

} // namespace

TEST_CASE("listeners of several loops share a port, and all of them are served clients") {
    constexpr int clients = 200;
    tuyau::workers cores({.count = 2});
    loop here;
    auto listeners = tcp_listener::bind_several({"127.0.0.1", 0}, 2).value();
    REQUIRE(listeners.size() == 2);
    const endpoint where = listeners.front().local_endpoint().value();

    std::array<int, 2> served{};
    here.run([](auto& workers, auto& listening, endpoint to, auto& counts) -> task<> {
        auto serve = [&listening](std::size_t index) -> task<> {
            scope sessions;
            tcp_listener own = std::move(listening[index]); // which its loop then closes
            while (auto client = co_await own.accept())
                sessions.spawn(answer(std::move(*client), index == 0 ? 'a' : 'b'));
            co_await sessions.join();
        };
        scope serving;
        serving.spawn(workers.run_on_each(serve));
        for (int client = 0; client < clients; ++client) {
            auto stream = co_await tuyau::connect(to);
            REQUIRE(stream);
            auto name = co_await stream->receive();
            REQUIRE(name);
            REQUIRE(name->size() == 1);
            ++counts[name->text() == "a" ? 0 : 1];
        }
        serving.stop();
        co_await serving.join();
    }(cores, listeners, where, served));
    CHECK(served[0] > 0);
    CHECK(served[1] > 0);
    CHECK(served[0] + served[1] == clients);
}

TEST_CASE("several listeners share their port with nobody who was there before, and one alone with nobody at all") {
    const tuyau::listen_options shared{.backlog = 16, .reuse_port = true};
    auto before = tcp_listener::bind({"127.0.0.1", 0}, shared).value();
    CHECK(tcp_listener::bind_several(before.local_endpoint().value(), 2).error() == std::errc::address_in_use);
    auto alone = tcp_listener::bind_several({"127.0.0.1", 0}, 1).value();
    auto after = tcp_listener::bind(alone.front().local_endpoint().value(), shared);
    CHECK(after.error() == std::errc::address_in_use);
}

TEST_CASE("binding several listeners fails as a whole") {
    auto taken = tcp_listener::bind({"127.0.0.1", 0}).value(); // without SO_REUSEPORT
    auto several = tcp_listener::bind_several(taken.local_endpoint().value(), 2);
    CHECK(several.error() == std::errc::address_in_use);
    CHECK(tcp_listener::bind_several({"127.0.0.1", 0}, 0).value().empty());
}
