// A client that is told, in words, why it does not get to talk TLS: what answers it speaks plainly.

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tls/tls_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

#include <cstdio>
#include <string>

namespace {

using namespace std::chrono_literals;

tuyau::task<> speak_plainly(tuyau::tcp_listener& listener) {
    auto client = co_await listener.accept();
    if (!client) co_return;
    co_await client->send("HTTP/1.1 400 Bad Request\r\n\r\n");
    client->shutdown_send().value();
    co_await client->receive();
}

tuyau::task<int> talk() {
    auto listener = tuyau::tcp_listener::bind({"127.0.0.1", 0}).value();
    tuyau::scope server;
    server.spawn(speak_plainly(listener));
    auto transport = (co_await tuyau::connect(listener.local_endpoint().value())).value();
    const auto context = tuyau::tls_context::client();
    tuyau::tls_stream<> stream(std::move(transport), context, "localhost");
    auto done = co_await tuyau::with_deadline(60s, stream.handshake());
    stream.close();
    co_await server.join();
    const bool told = !done && done.error() == tuyau::tls_errc::not_tls;
    std::printf("%s\n", told ? "not TLS, as it should be" : "TLS where there is none");
    co_return told ? 0 : 1;
}

} // namespace

int main() { return tuyau::run(talk()); }
