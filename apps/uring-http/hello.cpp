#include "hello.hpp"

using tuyau::http::date_clock;
using tuyau::http::request;
using tuyau::http::response_batch;

namespace {

constexpr std::string_view html = "text/html; charset=utf-8";

constexpr std::string_view not_found = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>404 Not Found</title></head>
<body><h1>404 Not Found</h1><p>There is one page here, <a href="/">this one</a>.</p></body></html>
)";

constexpr std::string_view allowed = "Allow: GET, HEAD, OPTIONS\r\n";

} // namespace

hello::hello() : page_(200, html, hello_page, "Cache-Control: no-cache\r\n"), not_found_(404, html, not_found) {}

void hello::respond(const request& asked, bool last, response_batch& out, date_clock& date) {
    switch (asked.method) {
    case HTTP_GET:
    case HTTP_HEAD: {
        const std::string_view path = asked.path();
        out.add(asked, last, path == "/" || path == "/index.html" ? page_ : not_found_, date);
        break;
    }
    case HTTP_OPTIONS: out.add(asked, last, 204, {}, allowed, {}, date); break;
    default:
        out.add(asked, last, 405, "text/plain; charset=utf-8", allowed, "This page can be read, and nothing else.\n",
                date);
    }
}
