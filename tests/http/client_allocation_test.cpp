// What a request of the client costs in memory once all is warm.

#include <tuyau/net/http/client/client.hpp>

#include <functional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/loop.hpp>

#include "support/allocations.hpp"

using namespace tuyau;

namespace {

class page {
public:
    task<> operator()(http::request&, http::response& reply) {
        reply.send(response_);
        co_return;
    }

private:
    http::prepared_response response_{200, "text/plain", "hello"};
};

task<> accept_on(http::server& server, tcp_listener& listener) { co_await server.serve(listener); }

task<> get_all(http::client& client, const http::client_request& asked, int count) {
    for (int round = 0; round < count; ++round) {
        auto answered = co_await client.send(asked);
        REQUIRE(answered);
        auto piece = co_await answered->read();
        REQUIRE(piece);
        REQUIRE(*piece == "hello");
        piece = co_await answered->read();
        REQUIRE(piece);
        REQUIRE(piece->empty());
    }
}

} // namespace

TEST_CASE("a GET on a connection that is kept costs a few allocations, the same each time") {
    constexpr int count = 1000;
    std::size_t spent = 0;
    loop here;
    here.run([](std::size_t& allocated) -> task<> {
        page program;
        http::server server(std::ref(program)); // which allocates nothing for a request
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope accepting;
        accepting.spawn(accept_on(server, listener));
        {
            http::client_options options;
            options.proxies = {};
            http::client client(options);
            http::client_request asked;
            const std::string port = std::to_string(listener.local_endpoint().value().port());
            asked.where = http::parse_url("http://127.0.0.1:" + port + "/page").value();
            co_await get_all(client, asked, 100);
            const std::size_t before = tests::allocations();
            co_await get_all(client, asked, count);
            allocated = tests::allocations() - before;
            REQUIRE(client.idle_connections() == 1);
        }
        accepting.stop();
        co_await accepting.join();
        co_await server.drain();
    }(spent));
    // The response's head, as text and as fields; the request's authority and what the client adds to it.
    constexpr std::size_t for_each = 6;
    INFO(spent << " for " << count);
    CHECK(spent >= count * for_each);
    CHECK(spent < count * for_each + 20); // the server's response is made anew when the date changes, once a second
}
