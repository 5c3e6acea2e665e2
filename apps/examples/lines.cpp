// A line_reader reads a stream line by line, however the network cut it: a protocol of lines is a loop.
//
// Prints the answers of a calculator that adds what each line says, to lines that arrive in pieces.

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace tuyau;

namespace {

task<> add_up(tcp_stream client) {
    line_reader lines(client);
    long sum = 0;
    while (auto line = co_await lines.next()) {
        long number = 0;
        const auto parsed = std::from_chars(line->data(), line->data() + line->size(), number);
        sum += number;
        const std::string answer = parsed.ec == std::errc() ? fmt::format("{}\n", sum) : "not a number\n";
        auto sent = co_await client.send(answer);
        if (!sent) break;
    }
}

task<> show() {
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0}).value();
    tcp_stream connection = (co_await connect(listener.local_endpoint().value())).value();
    scope server;
    server.spawn(add_up((co_await listener.accept()).value()));

    for (std::string_view piece : {"40", "\r", "\n2\nse", "ven\n-1"}) (co_await connection.send(piece)).value();
    connection.shutdown_send().value(); // the last line needs no end

    line_reader answers(connection);
    while (auto answer = co_await answers.next()) fmt::print("{}\n", *answer);
    co_await server.join();
}

} // namespace

int main() { return tuyau::run(show()); }
