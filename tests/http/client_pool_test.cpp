// Connections that are kept, used again, waited for, and found closed.

#include <tuyau/net/http/client/client.hpp>

#include <future>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

#include "client_support.hpp"

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using namespace std::chrono_literals;
using kind = client_error::kind;
using stage = client_error::stage;

namespace {

const std::string hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Answers as long as the client asks.
void answer_all(conversation& client) {
    while (!client.receive_request().empty()) client.send(hello);
}

task<std::vector<outcome>> fetch_all(client_options options, std::vector<client_request> all) {
    http::client client(options);
    std::vector<outcome> got;
    for (auto& each : all) {
        auto one = co_await fetch(client, std::move(each));
        got.push_back(std::move(one));
    }
    co_return got;
}

std::vector<client_request> times(std::size_t count, const client_request& asked) {
    return std::vector<client_request>(count, asked);
}

} // namespace

TEST_CASE("a connection is used again once its response was read to the end") {
    scripted_server server(answer_all);
    const auto got = on_a_loop(fetch_all({}, times(5, request_of(server.url()))));
    for (const outcome& each : got) CHECK(each.body == "hello");
    CHECK(server.connections() == 1);
}

TEST_CASE("a connection is not used again when the server, the framing or the request says so") {
    const auto connections = [](const std::string& response, client_request asked) {
        scripted_server server([&](conversation& client) {
            while (!client.receive_request().empty()) client.send(response);
        });
        asked.where.port = server.port();
        const auto got = on_a_loop(fetch_all({}, times(2, asked)));
        for (const outcome& each : got) CHECK_FALSE(each.error);
        return server.connections();
    };
    client_request asked = request_of("http://127.0.0.1/");
    CHECK(connections("HTTP/1.1 204 No Content\r\n\r\n", asked) == 1);
    CHECK(connections("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", asked) == 1);
    CHECK(connections("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", asked) == 1);
    CHECK(connections("HTTP/1.1 204 No Content\r\nConnection: Close\r\n\r\n", asked) == 2);
    CHECK(connections("HTTP/1.1 200 OK\r\nConnection: a, close\r\nContent-Length: 0\r\n\r\n", asked) == 2);
    CHECK(connections("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", asked) == 2);
    CHECK(connections("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                      asked) == 2);
    CHECK(connections("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore than it said", asked) == 2);
    asked.fields = {{"Connection", "close"}};
    CHECK(connections("HTTP/1.1 204 No Content\r\n\r\n", asked) == 2);
}

TEST_CASE("a response that is given up closes its connection") {
    std::promise<void> ended;
    const auto stuck = [&](conversation& client) {
        client.receive_request();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
        client.wait_for_end();
        ended.set_value();
    };
    scripted_server server({stuck, answer_all});
    on_a_loop([](std::string url, std::future<void> was_closed) -> task<> {
        http::client client;
        {
            auto half = co_await client.get(url);
            REQUIRE(half);
            auto piece = co_await half->read();
            CHECK(piece);
            CHECK(client.connections_in_use() == 1);
        }
        CHECK(client.connections_in_use() == 0);
        CHECK(client.idle_connections() == 0);
        was_closed.wait();
        auto other = co_await fetch(client, request_of(url));
        CHECK(other.body == "hello");
        CHECK(client.idle_connections() == 1);
    }(server.url(), ended.get_future()));
}

TEST_CASE("an idle connection that was closed, or on which something came, is not used") {
    std::promise<void> closed;
    const bool says_something = GENERATE(false, true);
    const auto close_when_idle = [&](conversation& client) {
        client.receive_request();
        client.send(hello);
        if (says_something)
            client.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
        else
            client.shutdown_send();
        closed.set_value();
        client.wait_for_end();
    };
    scripted_server server({close_when_idle, answer_all});
    on_a_loop([](std::string url, std::future<void> was_closed) -> task<> {
        http::client client;
        auto first = co_await fetch(client, request_of(url));
        CHECK(first.body == "hello");
        was_closed.wait();
        auto second = co_await fetch(client, request_of(url, "POST", "x")); // which would not be repeated
        CHECK(second.body == "hello");
    }(server.url(), closed.get_future()));
    CHECK(server.connections() == 2);
}

TEST_CASE("an idempotent request that meets a connection just closed is made again, another is not") {
    for (const std::string method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "POST", "PATCH"}) {
        INFO(method);
        const auto close_at_the_second = [](conversation& client) {
            client.receive_request();
            client.send(hello);
            client.receive_request();
            client.reset();
        };
        scripted_server server({close_at_the_second, answer_all});
        const auto got = on_a_loop([](std::string url, std::string how) -> task<outcome> {
            http::client client;
            auto first = co_await fetch(client, request_of(url));
            CHECK(first.body == "hello");
            auto asked = request_of(url, how);
            if (how == "PUT" || how == "POST") asked.body = "body";
            auto second = co_await fetch(client, std::move(asked));
            co_return second;
        }(server.url(), method));
        if (is_idempotent(method)) {
            CHECK(got.status == 200);
            CHECK_FALSE(got.error);
        } else {
            REQUIRE(got.error);
            CHECK((got.error->what == kind::receive_failed || got.error->what == kind::empty));
            CHECK(server.connections() == 1);
        }
    }
}

TEST_CASE("a request on a new connection, or one that was answered in part, is not made again") {
    scripted_server closes([](conversation& client) { client.receive_request(); });
    CHECK(fetch_once(closes.url()).error->what == kind::empty);
    CHECK(closes.connections() == 1);
    const auto half = [](conversation& client) {
        client.receive_request();
        client.send(hello);
        client.receive_request();
        client.send("HTTP/1.1 2");
    };
    scripted_server halves({half, answer_all});
    const auto got = on_a_loop(fetch_all({}, times(2, request_of(halves.url()))));
    CHECK(got[0].body == "hello");
    REQUIRE(got[1].error);
    CHECK(got[1].error->what == kind::cut_short);
    CHECK(halves.connections() == 1);
}

TEST_CASE("requests past the bound wait their turn, in order") {
    scripted_server server(answer_all);
    on_a_loop([](std::string url, std::size_t& most) -> task<> {
        client_options options;
        options.connections_per_host = 2;
        http::client client(options);
        std::vector<int> ended;
        scope all;
        for (int i = 0; i < 10; ++i)
            all.spawn([](http::client& by, std::string where, std::vector<int>& order, int number,
                         std::size_t& peak) -> task<> {
                auto response = co_await by.get(where);
                REQUIRE(response);
                peak = std::max(peak, by.connections_in_use());
                auto text = co_await response->read_all(100);
                CHECK(text);
                order.push_back(number);
            }(client, url, ended, i, most));
        co_await all.join();
        CHECK(ended.size() == 10);
        CHECK(most <= 2);
        CHECK(client.idle_connections() <= 2);
    }(server.url(), *std::make_unique<std::size_t>(0)));
    CHECK(server.connections() <= 2);
}

TEST_CASE("requests that wait for room have it in the order in which they came") {
    scripted_server server(answer_all);
    on_a_loop([](std::string url) -> task<> {
        client_options options = without_proxy();
        options.connections_per_host = 1;
        http::client client(options);
        std::vector<int> served;
        scope all;
        for (int i = 0; i < 10; ++i)
            all.spawn([](http::client& by, std::string where, std::vector<int>& order, int number) -> task<> {
                auto response = co_await by.get(where);
                REQUIRE(response);
                order.push_back(number);
                auto text = co_await response->read_all(100);
                CHECK(text);
            }(client, url, served, i));
        co_await all.join();
        CHECK(served == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    }(server.url()));
    CHECK(server.connections() == 1);
}

TEST_CASE("a stop reaches a request wherever it waits, and its room is given to the next") {
    std::promise<void> asked;
    const auto silent = [&](conversation& client) {
        client.receive_request();
        asked.set_value();
        client.wait_for_end();
    };
    scripted_server server({silent, answer_all});
    on_a_loop([](std::string url) -> task<> {
        client_options options;
        options.connections_per_host = 1;
        http::client client(options);
        auto stuck = fetch(client, request_of(url));
        scope waiting;
        std::vector<outcome> got(3);
        const auto keep = [](http::client& by, std::string where, outcome& to) -> task<> {
            to = co_await fetch(by, request_of(where));
        };
        waiting.spawn(keep(client, url, got[0])); // has no answer
        waiting.spawn(keep(client, url, got[1])); // has no room
        waiting.stop();
        co_await waiting.join();
        for (int i : {0, 1}) {
            REQUIRE(got[i].error);
            CHECK(got[i].error->what == kind::cancelled);
        }
        CHECK(client.connections_in_use() == 0);
        auto next = co_await fetch(client, request_of(url));
        CHECK((next.body == "hello" || next.error));
    }(server.url()));
}

TEST_CASE("time limits end a request: for all of it, for a stall, for the connection") {
    scripted_server server([](conversation& client) {
        client.receive_request();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
        client.wait_for_end();
    });
    // Twice as long until it is long enough for the beginning of the body, on any machine.
    client_options whole;
    outcome got;
    for (whole.whole_time = 20ms; got.body.empty() && whole.whole_time < 1min; whole.whole_time *= 2) {
        got = fetch_once(server.url(), whole);
        REQUIRE(got.error);
        CHECK(got.error->what == kind::timed_out);
    }
    CHECK(got.error->where == stage::body);
    CHECK(got.body == "hello");
    client_options stall;
    stall.stall_time = 20ms;
    got = fetch_once(server.url(), stall);
    REQUIRE(got.error);
    CHECK(got.error->what == kind::timed_out);
    CHECK(got.error->text == "nothing came or went for 0.02 s");
}

TEST_CASE("an idle connection is closed when its time is over") {
    std::promise<void> ended;
    scripted_server server([&](conversation& client) {
        client.receive_request();
        client.send(hello);
        client.wait_for_end();
        ended.set_value();
    });
    on_a_loop([](std::string url, std::future<void> closed) -> task<> {
        client_options options;
        options.idle_time = 5ms;
        http::client client(options);
        auto got = co_await fetch(client, request_of(url));
        CHECK(got.body == "hello");
        while (client.idle_connections() != 0) co_await sleep_for(1ms);
        closed.wait();
    }(server.url(), ended.get_future()));
}
