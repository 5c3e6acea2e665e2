// resolve looks a name up as the system is configured to, without blocking the loop. connect takes a name too, and tries
// its addresses until one answers. Errors say in the resolver's or the kernel's words what went wrong.
//
// Prints how a numeric address is written, where connect("localhost") arrived, and why a second try failed.

#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/run.hpp>

using namespace tuyau;

namespace {

task<> show() {
    const std::vector<endpoint> addresses = (co_await resolve("::1", 80)).value();
    for (const endpoint& each : addresses) fmt::print("{}\n", each.to_string());

    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0}).value();
    const std::uint16_t port = listener.local_endpoint().value().port();
    tcp_stream connection = (co_await connect("localhost", port)).value();
    fmt::print("connected to {}\n", connection.peer_endpoint().value().address());

    connection.close();
    listener.close();
    auto again = co_await connect(endpoint("127.0.0.1", port));
    if (!again) fmt::print("{}\n", again.error().message());
}

} // namespace

int main() { return tuyau::run(show()); }
