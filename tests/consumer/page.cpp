// A server that answers one page, and a client that reads it, both by the HTTP component.

#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
namespace http = tuyau::http;

tuyau::task<> one_page(http::request&, http::response& reply) {
    reply.send("text/plain", "a page\n");
    co_return;
}

tuyau::task<> serve(http::server& server, tuyau::tcp_listener& listener) {
    if (auto ended = co_await server.serve(listener); !tuyau::is_cancelled(ended.error())) ended.value();
    co_await server.drain();
}

tuyau::task<tuyau::result<std::string>> get(tuyau::endpoint where) {
    auto stream = co_await tuyau::connect(where);
    if (!stream) co_return tuyau::failure(stream.error());
    if (auto sent = co_await stream->send("GET / HTTP/1.1\r\nHost: here\r\n\r\n"); !sent)
        co_return tuyau::failure(sent.error());
    http::response_parser parser;
    std::string body;
    for (;;) {
        auto received = co_await stream->receive();
        if (!received) co_return tuyau::failure(received.error());
        std::string_view bytes = received->text();
        using step = http::response_parser::step;
        for (step next = parser.parse(bytes); next != step::more; next = parser.parse(bytes)) {
            if (next == step::body) body += parser.body();
            if (next == step::complete) co_return body;
            if (next == step::failed) co_return tuyau::failure(EBADMSG);
        }
        if (received->empty()) co_return tuyau::failure(EPIPE);
    }
}

tuyau::task<int> talk() {
    auto listener = tuyau::tcp_listener::bind({"127.0.0.1", 0}).value();
    http::server server(one_page);
    tuyau::scope serving;
    serving.spawn(serve(server, listener));
    auto page = co_await tuyau::with_deadline(60s, get(listener.local_endpoint().value()));
    serving.stop();
    co_await serving.join();
    std::printf("%s", page ? page->c_str() : page.error().message().c_str());
    co_return page && *page == "a page\n" ? 0 : 1;
}

} // namespace

int main() { return tuyau::run(talk()); }
