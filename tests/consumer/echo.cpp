// A server that echoes and a client that checks, over loopback TCP, in one task each.

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

tuyau::task<> echo(tuyau::tcp_stream client) {
    for (;;) {
        auto received = co_await client.receive();
        if (!received || received->empty()) co_return;
        if (!co_await client.send(received->text())) co_return;
    }
}

tuyau::task<> serve(tuyau::tcp_listener& listener) {
    tuyau::scope clients;
    while (auto client = co_await listener.accept()) clients.spawn(echo(std::move(*client)));
    clients.stop();
    co_await clients.join();
}

tuyau::task<tuyau::result<std::string>> ask(tuyau::endpoint where, std::string_view words) {
    auto stream = co_await tuyau::connect(where);
    if (!stream) co_return tuyau::failure(stream.error());
    if (auto sent = co_await stream->send(words); !sent) co_return tuyau::failure(sent.error());
    stream->shutdown_send().value();
    std::string answer;
    for (;;) {
        auto received = co_await stream->receive();
        if (!received) co_return tuyau::failure(received.error());
        if (received->empty()) co_return answer;
        answer += received->text();
    }
}

tuyau::task<int> talk() {
    auto listener = tuyau::tcp_listener::bind({"127.0.0.1", 0}).value();
    tuyau::scope server;
    server.spawn(serve(listener));
    auto answer = co_await tuyau::with_deadline(60s, ask(listener.local_endpoint().value(), "is anybody there?"));
    server.stop();
    co_await server.join();
    std::printf("%s\n", answer ? answer->c_str() : answer.error().message().c_str());
    co_return answer && *answer == "is anybody there?" ? 0 : 1;
}

} // namespace

int main() { return tuyau::run(talk()); }
