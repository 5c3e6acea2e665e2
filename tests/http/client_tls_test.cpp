// https: whom the client trusts, what it keeps, and how a connection ends.

#include <tuyau/net/http/client/client.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/tls/tls_error.hpp>

#include "client_support.hpp"
#include "support/temporary_folder.hpp"
#include "tls_conversation.hpp"

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using kind = client_error::kind;
using stage = client_error::stage;

namespace {

const std::string name = "shop.example";
const std::string hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const std::string hello_and_close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";

using tls_script = std::function<void(tls_conversation&)>;

/// An authority that the client trusts, and a server that it vouches for.
class shop {
public:
    explicit shop(std::vector<tls_script> scripts, const certificate_wish& wish = wish_for(name))
        : root_({.common_name = "root of the test", .may_issue = true}), identity_(root_.issue(wish)),
          server_(over_tls(std::move(scripts))) {
        folder_.write("root.pem", root_.certificate());
    }
    explicit shop(tls_script only, const certificate_wish& wish = wish_for(name))
        : shop(std::vector{std::move(only)}, wish) {}

    static certificate_wish wish_for(const std::string& whom) {
        return {.common_name = "shop", .names = {"DNS:" + whom}};
    }

    scripted_server& server() noexcept { return server_; }
    const tls_identity& identity() const noexcept { return identity_; }

    std::string peer() const { return name + ":" + std::to_string(server_.port()); }
    std::string url(const std::string& path = "/") const { return "https://" + peer() + path; }

    /// Knows the authority, and where the shop is.
    std::shared_ptr<connector> way_there() const {
        network_options how;
        how.addresses.add(name, server_.port(), {endpoint("127.0.0.1", server_.port())});
        return std::make_shared<network_connector>(tls_client_options{.ca_file = folder_ / "root.pem"}, how);
    }

    outcome fetch_once(client_request asked, client_options options = without_proxy()) const {
        return on_a_loop(
            [](client_request request, client_options how, std::shared_ptr<connector> way) -> task<outcome> {
                http::client client(std::move(how), std::move(way));
                co_return co_await fetch(client, std::move(request));
            }(std::move(asked), std::move(options), way_there()));
    }
    outcome fetch_once() const { return fetch_once(request_of(url())); }

private:
    std::vector<script> over_tls(std::vector<tls_script> scripts) {
        std::vector<script> all;
        for (tls_script& each : scripts)
            all.emplace_back([this, what = std::move(each)](conversation& client) {
                tls_conversation inside(client, identity_);
                what(inside);
            });
        return all;
    }

    temporary_folder folder_;
    class identity root_;
    tls_identity identity_;
    scripted_server server_;
};

void answer_all(tls_conversation& client) {
    while (!client.receive_head().empty()) client.send(hello);
}

} // namespace

TEST_CASE("https asks for its server by name, speaks HTTP/1.1 there, and tells what it has found") {
    std::string protocol;
    std::string asked_for;
    shop server([&](tls_conversation& client) {
        protocol = client.protocol();
        asked_for = client.name();
        answer_all(client);
    });
    on_a_loop([](const shop& there) -> task<> {
        http::client client(without_proxy(), there.way_there());
        auto page = co_await client.get(there.url());
        REQUIRE(page);
        auto text = co_await page->read_all(100);
        CHECK(text == "hello");
        const connection_info& info = page->connection();
        CHECK(info.security.starts_with("TLSv1.3 TLS_"));
        CHECK(info.peer == there.peer());
        CHECK(info.remote.has_value());
        CHECK((info.begun <= info.resolved && info.resolved <= info.connected && info.connected <= info.secured));
    }(server));
    CHECK(protocol == "http/1.1");
    CHECK(asked_for == name);
}

TEST_CASE("a server whose certificate is not good is told with whom, and in the words of TLS") {
    struct {
        certificate_wish wish;
        tls_errc code;
        std::string text;
    } const table[] = {
        {{.names = {"DNS:" + name}, .valid_from = -20, .valid_until = -10}, tls_errc::certificate_expired, "expired"},
        {shop::wish_for("other.example"), tls_errc::wrong_name, "other.example"},
    };
    for (const auto& each : table) {
        shop server(answer_all, each.wish);
        const outcome got = server.fetch_once();
        REQUIRE(got.error);
        CHECK(got.error->what == kind::tls_failed);
        CHECK(got.error->where == stage::securing);
        CHECK(got.error->code == each.code);
        CHECK(got.error->peer == server.peer());
        INFO(got.error->message());
        CHECK(got.error->message().starts_with("no TLS with " + server.peer() + ": "));
        CHECK(got.error->text.find(each.text) != std::string::npos);
    }
    shop server(answer_all);
    shop stranger(answer_all); // by another authority
    const outcome got = server.fetch_once(request_of("https://127.0.0.1:" + std::to_string(stranger.server().port())));
    REQUIRE(got.error);
    CHECK(got.error->what == kind::tls_failed);
    CHECK(got.error->code == tls_errc::unknown_issuer);
    CHECK(got.error->peer == "127.0.0.1:" + std::to_string(stranger.server().port()));
}

TEST_CASE("a server that speaks no TLS is told so") {
    scripted_server plain([](conversation& client) {
        client.send("SSH-2.0-OpenSSH\r\n");
        client.wait_for_end();
    });
    const outcome got = fetch_once(request_of("https://127.0.0.1:" + std::to_string(plain.port())));
    REQUIRE(got.error);
    CHECK(got.error->what == kind::tls_failed);
    CHECK(got.error->code == tls_errc::not_tls);
}

TEST_CASE("a body that ends with the connection is whole only if TLS says that it ends") {
    const bool in_order[] = {true, false};
    for (const bool says_end : in_order) {
        shop server([&](tls_conversation& client) {
            client.receive_head();
            client.send("HTTP/1.1 200 OK\r\n\r\nhello");
            if (says_end) client.say_end();
        });
        const outcome got = server.fetch_once();
        CHECK(got.body == "hello");
        CHECK(got.error.has_value() == !says_end);
        if (!got.error) continue;
        CHECK(got.error->what == kind::cut_short);
        CHECK(got.error->where == stage::body);
        CHECK(got.error->peer == server.peer());
    }
}

TEST_CASE("a body of a known size is whole without the end of TLS, and a shorter one is not with it") {
    shop whole([](tls_conversation& client) {
        client.receive_head();
        client.send(hello);
    });
    CHECK_FALSE(whole.fetch_once().error);
    shop half([](tls_conversation& client) {
        client.receive_head();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello");
        client.say_end();
    });
    const outcome got = half.fetch_once();
    REQUIRE(got.error);
    CHECK(got.error->what == kind::cut_short);
}

TEST_CASE("a second connection resumes the session of the first") {
    std::vector<bool> resumed;
    shop server([&](tls_conversation& client) {
        resumed.push_back(client.was_resumed());
        client.receive_head();
        client.send(hello_and_close);
        client.ends_in_order();
    });
    on_a_loop([](const shop& there) -> task<> {
        http::client client(without_proxy(), there.way_there());
        for (int i = 0; i < 2; ++i) {
            auto got = co_await fetch(client, request_of(there.url()));
            CHECK(got.body == "hello");
        }
    }(server));
    CHECK(resumed == std::vector{false, true});
}

TEST_CASE("a connection is used again whatever TLS itself says on it meanwhile") {
    std::promise<void> said;
    shop server([&](tls_conversation& client) {
        client.receive_head();
        client.send(hello);
        client.send_ticket();
        client.send_new_keys();
        client.send_ticket();
        said.set_value();
        answer_all(client);
    });
    on_a_loop([](const shop& there, std::future<void> was_said) -> task<> {
        http::client client(without_proxy(), there.way_there());
        auto first = co_await fetch(client, request_of(there.url()));
        CHECK(first.body == "hello");
        was_said.wait();
        for (int i = 0; i < 2; ++i) {
            auto next = co_await fetch(client, request_of(there.url(), "POST", "x")); // which would not be repeated
            CHECK(next.body == "hello");
        }
    }(server, said.get_future()));
    CHECK(server.server().connections() == 1);
}

TEST_CASE("an idle connection that the server has ended, or on which it said something, is not used") {
    const bool ways[] = {true, false};
    for (const bool ends : ways) {
        std::promise<void> said;
        const auto say_when_idle = [&](tls_conversation& client) {
            client.receive_head();
            client.send(hello);
            if (ends)
                client.say_end();
            else
                client.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
            said.set_value();
            client.ends_in_order();
        };
        shop server({tls_script(say_when_idle), tls_script(answer_all)});
        on_a_loop([](const shop& there, std::future<void> was_said) -> task<> {
            http::client client(without_proxy(), there.way_there());
            auto first = co_await fetch(client, request_of(there.url()));
            CHECK(first.body == "hello");
            was_said.wait();
            auto second = co_await fetch(client, request_of(there.url(), "POST", "x"));
            CHECK(second.body == "hello");
        }(server, said.get_future()));
        CHECK(server.server().connections() == 2);
    }
}

TEST_CASE("a connection that is done with is closed with the end of TLS, one that is given up without") {
    const auto ended_in_order = [](const std::string& response, const std::function<task<>(const shop&)>& use) {
        std::promise<bool> in_order;
        shop server([&](tls_conversation& client) {
            client.receive_head();
            client.send(response);
            in_order.set_value(client.ends_in_order());
        });
        on_a_loop(use(server));
        return in_order.get_future().get();
    };
    const auto fetch_and_go = [](const shop& there) -> task<> {
        http::client client(without_proxy(), there.way_there());
        auto got = co_await fetch(client, request_of(there.url()));
        CHECK(got.body == "hello");
    };
    const auto close_idle = [](const shop& there) -> task<> {
        http::client client(without_proxy(), there.way_there());
        auto got = co_await fetch(client, request_of(there.url()));
        CHECK(got.body == "hello");
        client.close_idle_connections();
        CHECK(client.idle_connections() == 0);
    };
    const auto give_up = [](const shop& there) -> task<> {
        http::client client(without_proxy(), there.way_there());
        auto page = co_await client.get(there.url());
        CHECK(page);
    };
    CHECK(ended_in_order(hello, fetch_and_go));
    CHECK(ended_in_order(hello, close_idle));
    CHECK(ended_in_order(hello_and_close, fetch_and_go));
    CHECK_FALSE(ended_in_order("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", give_up));
}

TEST_CASE("https goes through a proxy's tunnel, and TLS is the server's, not the proxy's") {
    shop server(answer_all);
    std::string asked;
    scripted_server proxy([&](conversation& client) {
        asked = client.receive_head();
        client.send("HTTP/1.1 200 Connection established\r\n\r\n");
        tls_conversation inside(client, server.identity());
        answer_all(inside);
    });
    client_options options = without_proxy();
    options.proxies.https = "127.0.0.1:" + std::to_string(proxy.port());
    options.user_agent.clear();
    const outcome got = server.fetch_once(request_of("https://shop.example/"), options);
    CHECK_FALSE(got.error);
    CHECK(got.body == "hello");
    CHECK(asked == "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n");
    const outcome other = server.fetch_once(request_of("https://other.example/"), options);
    REQUIRE(other.error);
    CHECK(other.error->code == tls_errc::wrong_name);
    CHECK(other.error->peer == "other.example:443");
    CHECK_FALSE(other.error->is_proxy);
    CHECK(server.server().connections() == 0);
}

TEST_CASE("an https proxy is trusted by rules of its own, whatever servers are trusted by") {
    std::string asked;
    const temporary_folder folder;
    const class identity root({.common_name = "root of the proxy", .may_issue = true});
    const tls_identity whose(root.issue({.common_name = "proxy", .names = {"IP:127.0.0.1"}}));
    folder.write("root.pem", root.certificate());
    scripted_server proxy([&](conversation& client) {
        tls_conversation inside(client, whose);
        asked = inside.receive_head();
        inside.send(hello_and_close);
    });
    const auto by_proxy = [&](tls_client_options with_servers, tls_client_options with_proxies) {
        client_options options = without_proxy();
        options.proxies.all = "https://127.0.0.1:" + std::to_string(proxy.port());
        network_options how;
        how.proxy_tls = std::move(with_proxies);
        auto way = std::make_shared<network_connector>(std::move(with_servers), std::move(how));
        return on_a_loop([](client_options all, std::shared_ptr<connector> by) -> task<outcome> {
            http::client client(std::move(all), std::move(by));
            co_return co_await fetch(client, request_of("http://name.invalid/path"));
        }(std::move(options), std::move(way)));
    };
    const tls_client_options anybody{.verify = false};
    const tls_client_options by_root{.ca_file = folder / "root.pem"};
    for (const tls_client_options& with_servers : {anybody, by_root}) {
        const outcome refused = by_proxy(with_servers, {});
        REQUIRE(refused.error);
        CHECK(refused.error->code == tls_errc::unknown_issuer);
        CHECK(refused.error->is_proxy);
        CHECK(asked.empty());
    }
    CHECK(by_proxy({}, by_root).body == "hello");
    CHECK(asked.starts_with("GET http://name.invalid/path HTTP/1.1\r\n"));
    CHECK(by_proxy({}, anybody).body == "hello");
}

TEST_CASE("a redirect from https to http is refused unless it is allowed, and takes no credentials along") {
    std::string got_there;
    scripted_server plain([&](conversation& client) {
        got_there = client.receive_request();
        client.send(hello);
    });
    shop server([&](tls_conversation& client) {
        while (!client.receive_head().empty())
            client.send("HTTP/1.1 302 Found\r\nLocation: " + plain.url("/b") + "\r\nContent-Length: 0\r\n\r\n");
    });
    auto asked = request_of("https://me:secret@" + server.peer());
    asked.fields = {{"Cookie", "c"}, {"X-Other", "x"}};
    outcome got = server.fetch_once(asked);
    REQUIRE(got.error);
    CHECK(got.error->what == kind::bad_redirect);
    CHECK(got.error->text.starts_with("it leads from https to " + plain.url("/b")));
    CHECK(got_there.empty());
    client_options options = without_proxy();
    options.allow_downgrade = true;
    got = server.fetch_once(asked, options);
    CHECK(got.body == "hello");
    CHECK(got_there.find("X-Other: x") != std::string::npos);
    CHECK(got_there.find("Authorization") == std::string::npos);
    CHECK(got_there.find("Cookie") == std::string::npos);
}
