// One port, and on each worker a listener of its own that accepts from it: the kernel spreads the connections, and no
// connection ever changes its thread. Here are two workers; workers without options make one for each processor.
//
// Prints how many of a hundred clients were greeted, and how many connections the workers served between them.

#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/workers.hpp>

using namespace tuyau;

namespace {

task<> greet(tcp_stream client, int& served) {
    auto sent = co_await client.send("hello");
    if (sent) ++served;
}

task<> serve(tcp_listener listener, int& served) {
    scope clients;
    while (auto client = co_await listener.accept()) clients.spawn(greet(std::move(*client), served));
    co_await clients.join();
}

task<> visit(endpoint server, int& greeted) {
    tcp_stream connection = (co_await connect(server)).value();
    auto greeting = co_await connection.receive();
    if (greeting && greeting->text() == "hello") ++greeted;
}

task<> show() {
    workers cores({.count = 2});
    auto listeners = tcp_listener::bind_several({"127.0.0.1", 0}, cores.size()).value();
    const endpoint where = listeners.front().local_endpoint().value();

    std::vector<int> served(cores.size());
    auto serve_here = [&](std::size_t core) { return serve(std::move(listeners[core]), served[core]); };
    scope server;
    server.spawn(cores.run_on_each(serve_here));

    int greeted = 0;
    scope visitors;
    for (int number = 0; number < 100; ++number) visitors.spawn(visit(where, greeted));
    co_await visitors.join();
    server.stop();
    co_await server.join();
    const int connections = std::accumulate(served.begin(), served.end(), 0);
    fmt::print("{} clients were greeted on {} connections\n", greeted, connections);
}

} // namespace

int main() { return tuyau::run(show()); }
