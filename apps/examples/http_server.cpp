// An HTTP/1.1 server is handlers that answer requests, each a short coroutine: connections, pipelining, limits,
// malformed requests and the orderly end are the library's.
//
// Prints the answers that a client of its own gets to two requests on one connection.

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <tuyau/net/http/router.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace tuyau;

namespace {

task<> greet(http::request& asked, http::response& reply) {
    reply.send("text/plain", fmt::format("Hello {}\n", asked.parameter("name")));
    co_return;
}

task<> show() {
    http::router routes;
    routes.add(HTTP_GET, "/hello/{name}", greet);
    http::server server(routes);
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0}).value();
    scope serving;
    serving.spawn(server.serve(listener));

    tcp_stream connection = (co_await connect(listener.local_endpoint().value())).value();
    (co_await connection.send("GET /hello/world HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        .value();
    line_reader lines(connection);
    while (auto line = co_await lines.next())
        if (!line->starts_with("Date: ")) fmt::print("{}\n", *line);

    serving.stop();
    co_await serving.join();
    fmt::print("drained: {}\n", co_await server.drain());
}

} // namespace

int main() { return tuyau::run(show()); }
