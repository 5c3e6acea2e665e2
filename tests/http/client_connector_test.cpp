// How connections find their way: told addresses, families, Unix sockets.

#include <tuyau/net/http/client/connector.hpp>

#include <memory>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/client/client.hpp>
#include <tuyau/net/resolve.hpp>
#include <tuyau/net/unix_stream.hpp>
#include <tuyau/runtime/scope.hpp>

#include "client_support.hpp"
#include "support/temporary_folder.hpp"

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using kind = client_error::kind;
using stage = client_error::stage;

namespace {

const std::string hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

outcome fetch_by(network_options how, const std::string& url, client_options options = without_proxy()) {
    return on_a_loop([](network_options way, std::string where, client_options settings) -> task<outcome> {
        http::client client(settings, std::make_shared<network_connector>(tls_client_options(), std::move(way)));
        co_return co_await fetch(client, request_of(where));
    }(std::move(how), url, std::move(options)));
}

std::string url_of(const scripted_server& server) {
    return "http://shop.invalid:" + std::to_string(server.port()) + "/";
}

/// Answers one request on one connection; the head of it.
task<std::string> answer_one(unix_listener& listener) {
    auto client = co_await listener.accept();
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        auto received = co_await client.value().receive();
        head += received.value().text();
        if (received->empty()) break;
    }
    auto sent = co_await client->send(hello);
    sent.value();
    co_return head;
}

} // namespace

TEST_CASE("a host's addresses may be told, and it is asked for by its name") {
    std::string asked;
    scripted_server server([&](conversation& client) {
        asked = client.receive_request();
        client.send(hello);
    });
    network_options how;
    how.addresses.add("SHOP.invalid", server.port(), {endpoint("127.0.0.1", server.port())});
    CHECK(fetch_by(how, url_of(server)).body == "hello");
    CHECK(asked.find("\r\nHost: shop.invalid:" + std::to_string(server.port()) + "\r\n") != std::string::npos);
    const std::uint16_t other = server.port() == 1 ? 2 : 1;
    const outcome got =
        fetch_by(how, "http://shop.invalid:" + std::to_string(other) + "/"); // of which nothing was told
    REQUIRE(got.error);
    CHECK(got.error->what == kind::not_resolved);
    CHECK(got.error->where == stage::resolving);
    CHECK(got.error->peer == "shop.invalid");
}

TEST_CASE("of several addresses the first that answers is used, and its connection tells which") {
    scripted_server server(answer(hello));
    on_a_loop([](const scripted_server& there) -> task<> {
        network_options how;
        const endpoint good("127.0.0.1", there.port());
        how.addresses.add("shop.invalid", there.port(), {endpoint("::1", there.port()), good}); // where nobody listens
        http::client client(without_proxy(), std::make_shared<network_connector>(tls_client_options(), how));
        auto page = co_await client.get(url_of(there));
        REQUIRE(page);
        const connection_info& info = page->connection();
        CHECK(info.remote == good);
        CHECK(info.local.has_value());
        CHECK((info.begun <= info.resolved && info.resolved <= info.connected));
    }(server));
}

TEST_CASE("a family that is asked for is the only one tried") {
    scripted_server server(answer(hello));
    network_options how;
    how.addresses.add("shop.invalid", server.port(),
                      {endpoint("::1", server.port()), endpoint("127.0.0.1", server.port())});
    how.family = address_family::ipv4;
    CHECK(fetch_by(how, url_of(server)).body == "hello");
    how.family = address_family::ipv6;
    outcome got = fetch_by(how, url_of(server));
    REQUIRE(got.error);
    CHECK(got.error->what == kind::not_connected);
    CHECK(got.error->where == stage::connecting);
    got = fetch_by(how, server.url()); // 127.0.0.1
    REQUIRE(got.error);
    CHECK(got.error->what == kind::not_resolved);
    CHECK(got.error->code.category() == resolve_category());
}

TEST_CASE("every request goes to a Unix socket where one is told, past all proxies") {
    const temporary_folder folder;
    const std::string path = folder / "socket";
    on_a_loop([](unix_address where) -> task<> {
        auto listener = unix_listener::bind(where).value();
        network_options how;
        how.unix_socket = where;
        client_options options;
        options.proxies = {};
        options.proxies.all = "http://proxy.invalid:1";
        http::client client(options, std::make_shared<network_connector>(tls_client_options(), how));
        std::string asked;
        scope serving;
        serving.spawn([](unix_listener& from, std::string& head) -> task<> {
            head = co_await answer_one(from);
        }(listener, asked));
        auto page = co_await client.get("http://shop.invalid/x");
        REQUIRE(page);
        auto text = co_await page->read_all(100);
        CHECK(text == "hello");
        CHECK(page->connection().peer == where.to_string());
        co_await serving.join();
        CHECK(asked.starts_with("GET /x HTTP/1.1\r\nHost: shop.invalid\r\n"));
        CHECK(client.idle_connections() == 1);
    }(unix_address::path(path).value()));
}

TEST_CASE("a Unix socket that is not there is told by its path") {
    const temporary_folder folder;
    network_options how;
    how.unix_socket = unix_address::path(folder / "nobody").value();
    const outcome got = fetch_by(how, "http://shop.invalid/");
    REQUIRE(got.error);
    CHECK(got.error->what == kind::not_connected);
    CHECK(got.error->message() == "cannot connect to " + (folder / "nobody") + ": No such file or directory");
}
