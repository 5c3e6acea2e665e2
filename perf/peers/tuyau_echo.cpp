// An echo server on our streams: what is received is sent back from the loop's own buffers, where it lies.
//
//     tuyau_echo      prints the port that it listens on

#include <cstdio>
#include <utility>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace tuyau;

namespace {

task<> echo(tcp_stream client) {
    for (;;) {
        auto bytes = co_await client.receive();
        if (!bytes || bytes->empty()) break;
        auto sent = co_await client.send(bytes->text());
        if (!sent) break;
    }
}

task<> serve() {
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0}).value();
    std::printf("%u\n", static_cast<unsigned>(listener.local_endpoint().value().port()));
    std::fflush(stdout);
    scope clients;
    while (auto client = co_await listener.accept()) clients.spawn(echo(std::move(*client)));
    co_await clients.join();
}

} // namespace

int main() {
    loop_options options;
    options.buffers.size = 64 * 1024; // as the others have
    options.buffers.initial = 16;
    loop here(options);
    here.run(serve());
}
