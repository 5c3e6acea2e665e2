// Requests of every kind are stopped, or destroyed, in the first round of the loop, the second, the third, … until they have
// ended by themselves: nothing is left in flight, no descriptor open, no room taken, and the next request is served.

#include <tuyau/net/http/client/client.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "client_support.hpp"
#include "runtime/helpers.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;

namespace {

class hesitant_source final : public body_source {
public:
    task<result<std::string_view>> read() override {
        co_await yield();
        co_return left_-- > 0 ? std::string_view("piece") : std::string_view();
    }

private:
    int left_ = 3;
};

/// One end of a conversation in which nothing comes at once.
class hesitant {
public:
    explicit hesitant(tcp_stream client) : client_(std::move(client)) {}

    /// All up to `end`; empty when the client has gone.
    task<std::string> receive_until(std::string_view end) {
        while (got_.find(end) == std::string::npos) {
            auto received = co_await client_.receive();
            if (!received || received->empty()) co_return std::string();
            got_ += received->text();
        }
        const std::size_t size = got_.find(end) + end.size();
        std::string part = got_.substr(0, size);
        got_.erase(0, size);
        co_return part;
    }

    /// In the pieces between the bars.
    task<> send(std::string_view text) {
        while (!text.empty()) {
            const std::string_view piece = text.substr(0, text.find('|'));
            text.remove_prefix(std::min(piece.size() + 1, text.size()));
            auto sent = co_await client_.send(piece);
            if (!sent) co_return;
            co_await yield();
        }
    }

private:
    tcp_stream client_;
    std::string got_;
};

/// A server, and a proxy that leads to itself.
task<> converse(tcp_stream stream) {
    hesitant client(std::move(stream));
    for (;;) {
        std::string head = co_await client.receive_until("\r\n\r\n");
        if (head.empty()) co_return;
        if (head.starts_with("CONNECT")) {
            co_await client.send("HTTP/1.1 200 Con|nected\r\n\r\n");
            continue;
        }
        if (head.find("Expect: 100-continue") != std::string::npos)
            co_await client.send("HTTP/1.1 100 Con|tinue\r\n\r\n");
        if (head.find("Transfer-Encoding") != std::string::npos) {
            std::string body = co_await client.receive_until("0\r\n\r\n");
            if (body.empty()) co_return;
        }
        if (head.find(" /elsewhere ") != std::string::npos)
            co_await client.send("HTTP/1.1 307 Go\r\nLocation: /page\r\nContent-|Length: 2\r\n\r\nn|o");
        else
            co_await client.send(
                "HTTP/1.1 103 Early\r\n\r\n|HTTP/1.1 200 OK\r\nTransfer-Encoding: chun|ked\r\n\r\n5\r\nhe|"
                "llo\r\n|0\r\nX: y\r\n\r\n");
    }
}

task<> serve(tcp_listener& listener) {
    scope all;
    while (auto client = co_await listener.accept()) all.spawn(converse(std::move(*client)));
    co_await all.join();
}

task<> fetch_page(http::client& by, client_request asked, int& whole) {
    auto got = co_await fetch(by, std::move(asked));
    if (!got.error && got.body == "hello") ++whole;
}

/// All that a client may wait for: room, a connection, a tunnel, heads, bodies, both ways.
task<> ask(http::client& directly, http::client& by_tunnel, std::string url, int& whole) {
    auto upload = request_of(url, "POST", std::make_shared<hesitant_source>());
    upload.expect_continue = true;
    scope at_once;
    at_once.spawn(fetch_page(directly, std::move(upload), whole));
    at_once.spawn(fetch_page(directly, request_of(url + "elsewhere"), whole));
    at_once.spawn(fetch_page(by_tunnel, request_of(url), whole));
    co_await at_once.join();
    co_await fetch_page(directly, request_of(url), whole);
}

/// For each round once: begins to ask, lets that many rounds pass, and interferes; then all has to be as before.
void for_each_round(const std::function<task<>(std::optional<scope>&)>& interfere) {
    const std::size_t before = open_descriptors();
    int runs = 0;
    for (int rounds = 0;; rounds += 1 + rounds / 50) {
        int whole = 0;
        loop here;
        here.run([](int after, int& good, const std::function<task<>(std::optional<scope>&)>& act) -> task<> {
            auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
            const std::string authority = "127.0.0.1:" + std::to_string(listener.local_endpoint().value().port());
            scope serving;
            serving.spawn(serve(listener));
            client_options options = without_proxy();
            options.connections_per_host = 1; // so that one waits for the other
            http::client directly(options);
            options.proxies.all = authority;
            options.proxies.always_tunnel = true;
            http::client by_tunnel(options);
            std::optional<scope> asking(std::in_place);
            asking->spawn(ask(directly, by_tunnel, "http://" + authority + "/", good));
            for (int round = 0; round < after && !asking->empty(); ++round) co_await yield();
            co_await act(asking);
            CHECK(directly.connections_in_use() == 0);
            CHECK(by_tunnel.connections_in_use() == 0);
            int next = 0;
            co_await fetch_page(directly, request_of("http://" + authority + "/"), next);
            co_await fetch_page(by_tunnel, request_of("http://" + authority + "/"), next);
            CHECK(next == 2);
            directly.close_idle_connections();
            by_tunnel.close_idle_connections();
            serving.stop();
            co_await serving.join();
        }(rounds, whole, interfere));
        here.wait_until([&] { return here.requests().in_flight() == 0; });
        ++runs;
        REQUIRE(rounds < 100'000);
        if (whole == 4) break;
    }
    CHECK(runs > 20);
    CHECK(eventually([&] { return open_descriptors() <= before; }));
}

} // namespace

TEST_CASE("a request may be stopped wherever it waits") {
    for_each_round([](std::optional<scope>& asking) -> task<> {
        asking->stop();
        co_await asking->join();
    });
}

TEST_CASE("a request may be destroyed wherever it waits") {
    for_each_round([](std::optional<scope>& asking) -> task<> {
        asking.reset();
        co_return;
    });
}
