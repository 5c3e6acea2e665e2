#include "hello.hpp"

using tuyau::task;
using tuyau::http::request;
using tuyau::http::response;

namespace {

constexpr std::string_view html = "text/html; charset=utf-8";

constexpr std::string_view not_found = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>404 Not Found</title></head>
<body><h1>404 Not Found</h1><p>There is one page here, <a href="/">this one</a>.</p></body></html>
)";

constexpr std::string_view allowed = "GET, HEAD, OPTIONS";

} // namespace

hello::hello() : page_(200, html, hello_page, "Cache-Control: no-cache\r\n"), not_found_(404, html, not_found) {}

task<> hello::operator()(request& asked, response& reply) {
    switch (asked.method) {
    case HTTP_GET:
    case HTTP_HEAD: {
        const std::string_view path = asked.path();
        reply.send(path == "/" || path == "/index.html" ? page_ : not_found_);
        break;
    }
    case HTTP_OPTIONS:
        reply.add_field("Allow", allowed);
        reply.set_status(204);
        reply.send();
        break;
    default:
        reply.add_field("Allow", allowed);
        reply.set_status(405);
        reply.send("text/plain; charset=utf-8", "This page can be read, and nothing else.\n");
    }
    return task<>::done();
}
