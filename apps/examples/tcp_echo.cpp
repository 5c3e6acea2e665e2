// An echo server for any number of clients, and a client. Received bytes are leased from the loop's buffers and sent back
// from there: nothing is copied.
//
// Prints what the client gets back, and that the server ends with its last client.

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace tuyau;

namespace {

task<> echo(tcp_stream client) {
    for (;;) {
        auto bytes = co_await client.receive();
        if (!bytes || bytes->empty()) break; // broken off, or the end of the stream
        auto sent = co_await client.send(bytes->text());
        if (!sent) break;
    }
}

task<> serve(tcp_listener& listener) {
    scope clients;
    while (auto client = co_await listener.accept()) clients.spawn(echo(std::move(*client)));
    co_await clients.join();
}

task<std::string> say(endpoint server, std::string_view text) {
    tcp_stream connection = (co_await connect(server)).value();
    (co_await connection.send(text)).value();
    connection.shutdown_send().value();
    std::string answer;
    for (;;) {
        auto bytes = (co_await connection.receive()).value();
        if (bytes.empty()) co_return answer;
        answer += bytes.text();
    }
}

task<> show() {
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0}).value();
    const endpoint here = listener.local_endpoint().value();
    scope server;
    server.spawn(serve(listener));
    fmt::print("{}\n", co_await say(here, "Is there an echo?"));
    fmt::print("{} bytes\n", (co_await say(here, std::string(1'000'000, 'x'))).size());
    server.stop();
    co_await server.join();
    fmt::print("the server has ended\n");
}

} // namespace

int main() { return tuyau::run(show()); }
