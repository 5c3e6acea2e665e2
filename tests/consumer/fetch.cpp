// A server that answers one page, compressed by nobody, and the client of the library that asks for it.

#include <tuyau/net/http/client/client.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

#include <cstdio>
#include <string>

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

tuyau::task<std::string> get(std::string url) {
    http::client_options options;
    options.proxies = {};
    http::client client(options);
    auto page = co_await client.get(url);
    if (!page) co_return page.error().message();
    auto text = co_await page->read_all(1000);
    co_return text ? *text : text.error().message();
}

tuyau::task<int> talk() {
    auto listener = tuyau::tcp_listener::bind({"127.0.0.1", 0}).value();
    http::server server(one_page);
    tuyau::scope serving;
    serving.spawn(serve(server, listener));
    const std::string url = "http://" + listener.local_endpoint().value().to_string() + "/";
    auto page = co_await tuyau::with_deadline(60s, get(url));
    serving.stop();
    co_await serving.join();
    std::printf("%s", page ? page->c_str() : page.error().message().c_str());
    co_return page && *page == "a page\n" ? 0 : 1;
}

} // namespace

int main() { return tuyau::run(talk()); }
