// What a client takes for a response, and what not.

#include <tuyau/net/http/client/client.hpp>

#include <future>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "client_support.hpp"

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using kind = client_error::kind;
using stage = client_error::stage;

TEST_CASE("a response is received whole, however it is framed and cut") {
    const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-End: yes\r\n\r\n";
    const std::string to_the_end = "HTTP/1.1 200 OK\r\n\r\nhello";
    const std::string old = "HTTP/1.0 200 OK\r\n\r\nhello";
    for (const std::string& response : {sized, chunked, to_the_end, old}) {
        for (const bool bytewise : {false, true}) {
            INFO(response << bytewise);
            scripted_server server([&](conversation& client) {
                client.receive_request();
                if (bytewise)
                    client.send_bytewise(response);
                else
                    client.send(response);
            });
            const outcome got = fetch_once(server.url());
            CHECK_FALSE(got.error);
            CHECK(got.status == 200);
            CHECK(got.body == "hello");
            CHECK(got.trailers == (response == chunked ? "X-End: yes\r\n\r\n" : ""));
        }
    }
}

TEST_CASE("a response without a body has none, whatever its head says") {
    for (const std::string status : {"204 No Content", "304 Not Modified"}) {
        scripted_server server(answer("HTTP/1.1 " + status + "\r\nContent-Length: 5\r\n\r\n"));
        CHECK(fetch_once(server.url()).body.empty());
    }
    scripted_server server(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
    const outcome got = fetch_once(request_of(server.url(), "HEAD"));
    CHECK((got.status == 200 && !got.error && got.body.empty()));
}

TEST_CASE("interim responses are told of, and the one that counts is given") {
    struct listener : client_observer {
        void interim(const response_head& head) override { statuses.push_back(head.status); }
        std::vector<int> statuses;
    } seen;
    scripted_server server(answer("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    client_request asked = request_of(server.url());
    asked.observer = &seen;
    CHECK(fetch_once(std::move(asked)).body == "hi");
    CHECK(seen.statuses == std::vector{103, 100});
}

TEST_CASE("a response that is not whole, or breaks the rules, is an error that says where") {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    struct {
        std::string response;
        kind what;
        stage where;
        std::uint64_t offset;
    } const table[] = {
        {"", kind::empty, stage::waiting, 0},
        {"HTTP/1.1 103 Early Hints\r\n\r\n", kind::empty, stage::head, 28},
        {"SSH-2.0-OpenSSH_9.2\r\n", kind::malformed, stage::waiting, 0},
        {"\r\n" + ok + "\r\n", kind::malformed, stage::waiting, 0},
        {"HTTP/1.1 2x0 OK\r\n\r\n", kind::malformed, stage::head, 10},
        {"HTTP/2.0 200 OK\r\n\r\n", kind::unsupported, stage::head, 0},
        {ok + "Content-", kind::cut_short, stage::head, 25},
        {ok + "Content-Length: 5\r\n\r\nhell", kind::cut_short, stage::body, 42},
        {ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", kind::malformed, stage::head, 0},
        {ok + "Content-Length: x\r\n\r\n", kind::malformed, stage::head, 0},
        {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", kind::cut_short, stage::body, 53},
        {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", kind::cut_short, stage::body, 57},
        {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", kind::cut_short, stage::body, 60},
        {ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", kind::malformed, stage::body, 0},
        {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", kind::malformed, stage::body, 0},
        {ok + "Transfer-Encoding: gzip\r\n\r\n", kind::unsupported, stage::head, 0},
        {ok + "X: " + std::string(70000, 'x') + "\r\n\r\n", kind::too_large, stage::head, 65536},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", kind::unsupported, stage::head, 0},
    };
    for (const auto& each : table) {
        INFO(each.response.substr(0, 100));
        scripted_server server(answer(each.response));
        const outcome got = fetch_once(server.url());
        if (!got.error) FAIL("it was accepted");
        INFO(got.error->message());
        CHECK(got.error->what == each.what);
        if (each.offset != 0) CHECK(got.error->offset == each.offset);
        CHECK(got.error->peer == "127.0.0.1:" + std::to_string(server.port()));
        CHECK_FALSE(got.error->text.empty());
    }
}

TEST_CASE("a connection that breaks is told with how much had come") {
    scripted_server at_once([](conversation& client) {
        client.receive_request();
        client.reset();
    });
    outcome got = fetch_once(at_once.url());
    REQUIRE(got.error);
    CHECK(got.error->what == kind::receive_failed);
    CHECK(got.error->where == stage::waiting);

    std::promise<void> read;
    scripted_server in_the_body([&](conversation& client) {
        client.receive_request();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
        read.get_future().wait();
        client.reset();
    });
    on_a_loop([](const std::string& url, std::promise<void>& was_read) -> task<> {
        http::client client;
        auto response = co_await client.get(url);
        REQUIRE(response);
        auto piece = co_await response->read();
        REQUIRE(piece);
        CHECK(*piece == "hello");
        was_read.set_value();
        auto rest = co_await response->read();
        REQUIRE_FALSE(rest);
        CHECK(rest.error().what == kind::receive_failed);
        CHECK(rest.error().where == stage::body);
        CHECK(rest.error().offset == 45);
        auto more = co_await response->read();
        CHECK_FALSE(more);
    }(in_the_body.url(), read));
}

TEST_CASE("nobody there, no such name, no such scheme: each is an error of its own") {
    std::uint16_t port = 0;
    { port = socket_server().port(); }
    const outcome refused = fetch_once("http://127.0.0.1:" + std::to_string(port));
    REQUIRE(refused.error);
    CHECK(refused.error->what == kind::not_connected);
    CHECK(refused.error->code == std::errc::connection_refused);
    CHECK(refused.error->message() == "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
    on_a_loop([]() -> task<> {
        http::client client;
        auto bad = co_await client.get("http://a b/");
        CHECK(bad.error().what == kind::bad_url);
        auto foreign = co_await client.get("ftp://h/");
        CHECK(foreign.error().what == kind::unsupported_scheme);
    }());
}

TEST_CASE("read_all gives the body up to a bound") {
    scripted_server server(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    on_a_loop([](const std::string& url) -> task<> {
        http::client client;
        auto response = co_await client.get(url);
        REQUIRE(response);
        auto whole = co_await response->read_all(5);
        REQUIRE(whole);
        CHECK(*whole == "hello");
        auto other = co_await client.get(url);
        REQUIRE(other);
        auto too_much = co_await other->read_all(4);
        REQUIRE_FALSE(too_much);
        CHECK(too_much.error().what == kind::too_large);
    }(server.url()));
}

TEST_CASE("a big body comes whole") {
    constexpr std::size_t size = 30'000'000;
    scripted_server server([](conversation& client) {
        client.receive_request();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
        client.send_pattern(size);
    });
    const outcome got = fetch_once(server.url());
    CHECK_FALSE(got.error);
    CHECK((got.body == pattern(0, size)));
}
