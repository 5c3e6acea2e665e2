// Which proxy is asked, and what it is asked.

#include <tuyau/net/http/client/client.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/client/proxy_settings.hpp>

#include "client_support.hpp"

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using kind = client_error::kind;

namespace {

const std::string hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string proxy_of(const proxy_settings& settings, const std::string& target) {
    const auto proxy = settings.proxy_for(parse_url(target).value());
    if (!proxy) return proxy.error();
    if (!*proxy) return "none";
    return std::string((*proxy)->scheme()) + "://" + (*proxy)->host + ":" + std::to_string((*proxy)->port);
}

client_options through(const scripted_server& proxy, const std::string& user = "") {
    client_options options;
    options.proxies = {};
    options.proxies.all = user + "127.0.0.1:" + std::to_string(proxy.port());
    options.user_agent.clear();
    options.decompress = false;
    return options;
}

} // namespace

TEST_CASE("the proxy is that of the scheme, or that for all, with curl's default port") {
    proxy_settings settings;
    CHECK(proxy_of(settings, "http://h/") == "none");
    settings.http = "one";
    settings.https = "https://two";
    CHECK(proxy_of(settings, "http://h/") == "http://one:1080");
    CHECK(proxy_of(settings, "https://h/") == "https://two:443");
    settings.https = "http://me:secret@[::1]:3128/";
    CHECK(proxy_of(settings, "https://h/") == "http://::1:3128");
    settings.http.clear();
    settings.all = "http://three:80";
    CHECK(proxy_of(settings, "http://h/") == "http://three:80");
    settings.all = "socks5://h";
    CHECK(proxy_of(settings, "http://h/").find("of a kind that is not supported") != std::string::npos);
    settings.all = "http://a b";
    CHECK(proxy_of(settings, "http://h/").find("is no proxy: at byte 8") != std::string::npos);
}

TEST_CASE("who is not to be asked by a proxy is told by name, domain, address or network") {
    struct {
        const char* list;
        const char* host;
        bool listed;
    } const table[] = {
        {"", "h", false},
        {"*", "h", true},
        {" * ", "::1", true},
        {"example.org", "example.org", true},
        {"example.org", "EXAMPLE.org.", true},
        {"example.org", "www.example.org", true},
        {".example.org", "example.org", true},
        {".example.org", "www.example.org", true},
        {"example.org", "notexample.org", false},
        {"example.org", "example.org.evil", false},
        {"www.example.org", "example.org", false},
        {"a, b c,d", "c", true},
        {"a,*", "h", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.10", false},
        {"0.0.1", "127.0.0.1", false},
        {"10.0.0.0/8", "10.200.3.4", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.128.0/17", "10.1.129.1", true},
        {"10.1.128.0/17", "10.1.1.1", false},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"[::1]", "::1", true},
        {"2001:db8::/32", "2001:db8:1::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
    };
    for (const auto& each : table) {
        INFO(each.list << " / " << each.host);
        CHECK(http::detail::is_listed(each.list, each.host) == each.listed);
    }
}

TEST_CASE("a proxy is handed plain http with the whole URL, whoever it is for over one connection") {
    std::vector<std::string> got;
    scripted_server proxy([&](conversation& client) {
        for (;;) {
            const std::string request = client.receive_request();
            if (request.empty()) return;
            got.push_back(request);
            client.send(hello);
        }
    });
    on_a_loop([](client_options options) -> task<> {
        http::client client(options);
        auto one = co_await fetch(client, request_of("http://one.invalid/a?b"));
        CHECK(one.body == "hello");
        auto two = co_await fetch(client, request_of("http://you:s@two.invalid:81/"));
        CHECK(two.body == "hello");
    }(through(proxy, "me:secret@")));
    CHECK(got[0] == "GET http://one.invalid/a?b HTTP/1.1\r\nHost: one.invalid\r\nAccept: */*\r\n"
                    "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n");
    CHECK(got[1].starts_with("GET http://two.invalid:81/ HTTP/1.1\r\nHost: two.invalid:81\r\nAuthorization: Basic "));
    CHECK(proxy.connections() == 1);
}

TEST_CASE("a proxy is asked for a tunnel, in which the server is spoken to") {
    std::string asked;
    std::string inside;
    scripted_server proxy([&](conversation& client) {
        asked = client.receive_head();
        client.send("HTTP/1.1 200 Connection established\r\nContent-Length: 3\r\n\r\n"); // which means nothing here
        inside = client.receive_request();
        client.send(hello);
    });
    client_options options = through(proxy, "me:secret@");
    options.proxies.always_tunnel = true;
    const outcome got = fetch_once(request_of("http://h.invalid/x"), options);
    CHECK(got.body == "hello");
    CHECK(asked == "CONNECT h.invalid:80 HTTP/1.1\r\nHost: h.invalid:80\r\n"
                   "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n");
    CHECK(inside == "GET /x HTTP/1.1\r\nHost: h.invalid\r\nAccept: */*\r\n\r\n");
}

TEST_CASE("https goes through a tunnel, and what a proxy says in place of making one is told as the proxy's") {
    const auto error_with = [](const std::string& response) {
        scripted_server proxy(answer(response));
        const outcome got = fetch_once(request_of("https://h.invalid/"), through(proxy));
        REQUIRE(got.error);
        CHECK(got.error->what == kind::proxy_refused);
        CHECK(got.error->is_proxy);
        const std::string name = "the proxy 127.0.0.1:" + std::to_string(proxy.port()) + " makes no tunnel: ";
        CHECK(got.error->message().starts_with(name));
        return got.error->message().substr(name.size());
    };
    CHECK(error_with("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno") == "it answers 403 Forbidden");
    CHECK(error_with("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").find("user and password") !=
          std::string::npos);
    CHECK(error_with("") == "the connection ended before a response began");
    CHECK(error_with("HTTP/1.1 200 OK\r\n\r\nhello") == "it says more than was asked");
    CHECK(error_with("SSH-2.0\r\n").starts_with("this is not HTTP"));
}

TEST_CASE("a proxy that is not there is told as the proxy") {
    std::uint16_t port = 0;
    { port = socket_server().port(); }
    client_options options;
    options.proxies = {};
    options.proxies.http = "127.0.0.1:" + std::to_string(port);
    const outcome got = fetch_once(request_of("http://h.invalid/"), options);
    REQUIRE(got.error);
    CHECK(got.error->message() ==
          "cannot connect to the proxy 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}
