// Where redirects lead, and what is not taken along.

#include <tuyau/net/http/client/client.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "client_support.hpp"

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using kind = client_error::kind;

namespace {

const std::string hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string redirect(int status, const std::string& location) {
    return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + location + "\r\nContent-Length: 2\r\n\r\nno";
}

/// The first request is answered by a redirect, the second by hello, on whatever connections; the second as it came.
std::string second_request(client_request asked, int status, const std::string& location, client_options options = {}) {
    std::vector<std::string> got;
    scripted_server server([&](conversation& client) {
        for (;;) {
            const std::string request = client.receive_request();
            if (request.empty()) return;
            got.push_back(request);
            client.send(got.size() == 1 ? redirect(status, location) : hello);
        }
    });
    options.user_agent.clear();
    options.decompress = false;
    options.proxies = {};
    asked.without = {"accept", "host"};
    asked.where.port = server.port();
    const outcome answered = fetch_once(std::move(asked), options);
    if (answered.error) return answered.error->message();
    if (got.front().starts_with("HEAD")) return got.back(); // answered with bodies, as no server should
    CHECK(answered.body == "hello");
    CHECK(server.connections() == 1); // the redirect's own body is passed over
    return got.back();
}

client_request request_to(const std::string& path, std::string method = "GET", request_body body = {}) {
    return request_of("http://127.0.0.1" + path, std::move(method), std::move(body));
}

} // namespace

TEST_CASE("a redirect is followed, the Location taken as RFC 3986 has it") {
    CHECK(second_request(request_to("/a/b?c"), 301, "d") == "GET /a/d HTTP/1.1\r\n\r\n");
    CHECK(second_request(request_to("/a/b"), 302, "/d?e#f") == "GET /d?e HTTP/1.1\r\n\r\n");
    CHECK(second_request(request_to("/a/b"), 308, "../x y") == "GET /x%20y HTTP/1.1\r\n\r\n");
}

TEST_CASE("a redirect changes the method as browsers and curl have it") {
    const std::string get = "GET /b HTTP/1.1\r\n\r\n";
    const std::string post = "POST /b HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    const auto after = [](int status, const std::string& method) {
        auto asked = request_to("/a", method, "hello");
        asked.fields = {{"Content-Type", "text/plain"}};
        return second_request(asked, status, "/b");
    };
    for (const int status : {301, 302, 303}) CHECK(after(status, "POST") == get);
    for (const int status : {307, 308}) CHECK(after(status, "POST") == post);
    CHECK(after(301, "PUT") == "PUT" + post.substr(4));
    CHECK(after(303, "PUT") == get);
    CHECK(second_request(request_to("/a", "HEAD"), 303, "/b").starts_with("HEAD /b"));
}

TEST_CASE("a method that is to be kept is, without the body after a redirect that could make it GET") {
    const auto after = [](int status, const std::string& method) {
        auto asked = request_to("/a", method, "hello");
        asked.fields = {{"Content-Type", "text/plain"}, {"X-Other", "x"}};
        asked.keep_method = true;
        return second_request(asked, status, "/b");
    };
    for (const int status : {301, 302, 303}) {
        CHECK(after(status, "POST") == "POST /b HTTP/1.1\r\nX-Other: x\r\nContent-Length: 0\r\n\r\n");
        CHECK(after(status, "DELETE") == "DELETE /b HTTP/1.1\r\nX-Other: x\r\n\r\n");
    }
    CHECK(after(307, "POST").ends_with("\r\n\r\nhello"));
}

TEST_CASE("redirects are bounded, and are responses like any other where they are not followed") {
    scripted_server server([](conversation& client) {
        while (!client.receive_request().empty()) client.send(redirect(302, "/again"));
    });
    client_options options = without_proxy();
    options.redirects = 3;
    outcome got = fetch_once(server.url(), options);
    REQUIRE(got.error);
    CHECK(got.error->what == kind::too_many_redirects);
    options.redirects = 0;
    got = fetch_once(server.url(), options);
    CHECK((got.status == 302 && got.body == "no" && !got.error));
}

TEST_CASE("credentials do not follow to another origin, and do to the same") {
    const std::string secret = "\r\nAuthorization: s\r\nCookie: c\r\n";
    const auto with_secret = [](std::string url) {
        client_request asked = request_of(url);
        asked.fields = {{"Authorization", "s"}, {"Cookie", "c"}, {"X-Other", "x"}};
        return asked;
    };
    CHECK(second_request(with_secret("http://127.0.0.1/"), 302, "/b").find(secret) != std::string::npos);
    CHECK(second_request(request_of("http://me:secret@127.0.0.1/"), 302, "/b").find("Authorization: Basic bWU6") !=
          std::string::npos);

    std::string got;
    scripted_server elsewhere([&](conversation& client) {
        got = client.receive_request();
        client.send(hello);
    });
    scripted_server first(answer(redirect(307, elsewhere.url("/b"))));
    client_request asked = with_secret("http://me:secret@127.0.0.1:" + std::to_string(first.port()));
    CHECK(fetch_once(asked).body == "hello");
    CHECK(got.find("X-Other: x") != std::string::npos);
    CHECK(got.find("Authorization") == std::string::npos);
    CHECK(got.find("Cookie") == std::string::npos);
}

TEST_CASE("a redirect that leads nowhere is an error") {
    const auto error_of = [](const std::string& location) {
        scripted_server server(answer(redirect(302, location)));
        const outcome got = fetch_once(server.url());
        REQUIRE(got.error);
        CHECK(got.error->what == kind::bad_redirect);
        return got.error->text;
    };
    CHECK(error_of("ftp://h/") == "it leads to 'ftp://h/': at byte 0, the scheme 'ftp' is not supported, only http "
                                  "and https are");
    CHECK(error_of("http://a b/").starts_with("it leads to 'http://a b/': at byte 8"));
}

TEST_CASE("a body that can be read only once is not sent after a redirect that asks for it") {
    class once : public body_source {
    public:
        task<result<std::string_view>> read() override {
            co_return std::exchange(read_, true) ? std::string_view() : std::string_view("hello");
        }

    private:
        bool read_ = false;
    };
    scripted_server server([](conversation& client) {
        client.receive_request();
        client.send(redirect(307, "/b"));
        client.wait_for_end();
    });
    const outcome got = fetch_once(request_of(server.url(), "POST", std::make_shared<once>()));
    REQUIRE(got.error);
    CHECK(got.error->what == kind::not_repeatable);
}
