#include <tuyau/net/http/router.hpp>

#include <stdexcept>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

#include <tuyau/net/http/rehearsal.hpp>
#include <tuyau/runtime/loop.hpp>

using namespace tuyau;
using namespace tuyau::http;

namespace {

handler saying(std::string text) {
    return [text](request& asked, response& reply) -> task<> {
        reply.send("text/plain", fmt::format("{}:{}:{}", text, asked.parameter("name"), asked.parameter("rest")));
        co_return;
    };
}

std::string ask(const router& routes, std::string_view method, std::string_view target) {
    std::string answer;
    loop here;
    here.run([](const router& program, std::string request, std::string& out) -> task<> {
        out = co_await rehearse(program, std::move(request));
    }(routes, fmt::format("{} {} HTTP/1.1\r\nHost: a\r\n\r\n", method, target), answer));
    return answer;
}

std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

} // namespace

TEST_CASE("a route is found by method and path, and what stands for its names is told") {
    router routes;
    routes.add(HTTP_GET, "/", saying("home"));
    routes.add(HTTP_GET, "/users/{name}", saying("user"));
    routes.add(HTTP_POST, "/users/{name}", saying("change"));
    routes.add(HTTP_GET, "/users/{name}/files/{rest...}", saying("files"));
    CHECK(body_of(ask(routes, "GET", "/")) == "home::");
    CHECK(body_of(ask(routes, "GET", "/users/ann?x=/y")) == "user:ann:");
    CHECK(body_of(ask(routes, "POST", "/users/ann")) == "change:ann:");
    CHECK(body_of(ask(routes, "GET", "/users/a%2Fb/files/c/d/")) == "files:a%2Fb:c/d/");
    CHECK(body_of(ask(routes, "GET", "/users/ann/files/")) == "files:ann:");
    CHECK(body_of(ask(routes, "GET", "http://other/users/ann")) == "user:ann:");
    for (const char* nowhere : {"/users", "/users/", "/users/ann/", "/users/ann/other", "/User/ann", "//"})
        CHECK(ask(routes, "GET", nowhere).starts_with("HTTP/1.1 404 "));
}

TEST_CASE("the more particular route is taken, in whatever order they were added") {
    router routes;
    routes.add(HTTP_GET, "/{rest...}", saying("all"));
    routes.add(HTTP_GET, "/{name}", saying("one"));
    routes.add(HTTP_GET, "/about", saying("about"));
    routes.add(HTTP_GET, "/{name}/about", saying("about one"));
    CHECK(body_of(ask(routes, "GET", "/about")) == "about::");
    CHECK(body_of(ask(routes, "GET", "/other")) == "one:other:");
    CHECK(body_of(ask(routes, "GET", "/a/about")) == "about one:a:");
    CHECK(body_of(ask(routes, "GET", "/a/b")) == "all::a/b");
    CHECK(body_of(ask(routes, "GET", "/")) == "all::");
}

TEST_CASE("HEAD is GET without the body, OPTIONS tells what there is, and other methods are refused with it") {
    router routes;
    routes.add(HTTP_GET, "/a", saying("a"));
    routes.add(HTTP_DELETE, "/a", saying("gone"));
    CHECK(ask(routes, "HEAD", "/a").starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(body_of(ask(routes, "HEAD", "/a")).empty());
    const std::string options = ask(routes, "OPTIONS", "/a");
    CHECK(options.starts_with("HTTP/1.1 204 No Content\r\n"));
    CHECK(options.find("\r\nAllow: DELETE, GET, HEAD, OPTIONS\r\n") != std::string::npos);
    const std::string refused = ask(routes, "PUT", "/a");
    CHECK(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    CHECK(refused.find("\r\nAllow: DELETE, GET, HEAD, OPTIONS\r\n") != std::string::npos);
    CHECK(ask(routes, "OPTIONS", "*").starts_with("HTTP/1.1 204 "));
    CHECK(ask(routes, "PUT", "/b").starts_with("HTTP/1.1 404 "));
}

TEST_CASE("a pattern that is none is refused with the reason") {
    router routes;
    routes.add(HTTP_GET, "/a/{name}", saying("a"));
    for (const char* wrong : {"", "a", "/{}", "/{...}", "/{rest...}/a", "/a{b}", "/{a", "/a/{name}"})
        CHECK_THROWS_AS(routes.add(HTTP_GET, wrong, saying("")), std::invalid_argument);
}
