// What a handler can do with a connection of the kernel's.

#include <chrono>
#include <functional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<> write_for_ever(http::response& reply) {
    const std::string piece(100'000, 'x');
    for (;;) {
        auto written = co_await reply.write(piece);
        if (!written) co_return;
    }
}

/// On the first request it gives up writing in the middle of it, and stays longer than a client may take for a response.
class quitter {
public:
    explicit quitter(std::chrono::milliseconds stay) noexcept : stay_(stay) {}

    task<> operator()(http::request&, http::response& reply) {
        if (count_++ != 0) co_return reply.send("text/plain", "hello");
        {
            scope writers;
            writers.spawn(write_for_ever(reply));
        }
        co_await sleep_for(stay_);
        has_quit_.set();
    }

    event& has_quit() noexcept { return has_quit_; }

private:
    std::chrono::milliseconds stay_;
    int count_ = 0;
    event has_quit_;
};

} // namespace

TEST_CASE("a handler may destroy what writes its response: the connection is broken off, and the next one served") {
    loop here;
    here.run([]() -> task<> {
        http::server_limits limits;
        limits.send_time = 20ms;
        quitter program(3 * limits.send_time);
        http::server server(std::ref(program), limits);
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope accepting;
        accepting.spawn(server.serve(listener));
        {
            auto client = co_await connect(listener.local_endpoint().value());
            REQUIRE(client);
            auto asked = co_await client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            REQUIRE(asked);
            co_await program.has_quit().wait();
            std::string came;
            for (;;) {
                auto received = co_await client->receive();
                if (!received || received->empty()) break;
                came += received->text();
            }
            CHECK(came.starts_with("HTTP/1.1 200 OK\r\n"));
            CHECK_FALSE(came.ends_with("0\r\n\r\n")); // which would say that it is whole
        }
        CHECK(server.counts().incomplete_responses == 1);
        auto next = co_await connect(listener.local_endpoint().value());
        REQUIRE(next);
        auto asked = co_await next->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        REQUIRE(asked);
        auto answer = co_await next->receive();
        REQUIRE(answer);
        CHECK(answer->text().ends_with("hello"));
        accepting.stop();
        co_await accepting.join();
        co_await server.drain();
    }());
}
