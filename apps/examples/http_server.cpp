// An HTTP/1.1 server is a handler that answers requests: connections, pipelining, limits, malformed requests and the
// orderly end are the library's.
//
// Prints the answers that a client of its own gets to two requests on one connection.

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace tuyau;

namespace {

class greeter final : public http::handler {
public:
    void respond(const http::request& asked, bool last, http::response_batch& out, http::date_clock& date) override {
        const std::string_view path = asked.path();
        if (path.starts_with("/hello/"))
            out.add(asked, last, 200, "text/plain", {}, fmt::format("Hello {}\n", path.substr(7)), date);
        else
            out.add(asked, last, 404, "text/plain", {}, "Try /hello/NAME\n", date);
    }
};

task<> show() {
    greeter program;
    const http::server_limits limits;
    http::server server(program, limits);
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
