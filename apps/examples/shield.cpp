// A task that is asked to stop finds that each of its later waits ends at once. What has to be said before the end, and
// waited for, is shielded from the stop, and has a limit of its own.
//
// Prints what a client reads whose server is stopped in the middle of a conversation.

#include <chrono>

#include <fmt/format.h>

#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<> say_goodbye(tcp_stream& client) {
    co_await client.send("saving your work\n");
    co_await sleep_for(5ms);
    co_await client.send("saved, good-bye\n");
}

task<> serve(tcp_stream client) {
    auto sent = co_await client.send("welcome\n");
    auto request = co_await client.receive(); // here it is stopped
    if (sent && !request) co_await shield(with_deadline(10s, say_goodbye(client)));
}

task<> show() {
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0}).value();
    tcp_stream connection = (co_await connect(listener.local_endpoint().value())).value();
    scope serving;
    serving.spawn(serve((co_await listener.accept()).value()));

    line_reader lines(connection);
    while (auto line = co_await lines.next()) {
        fmt::print("{}\n", *line);
        serving.stop();
    }
    co_await serving.join();
}

} // namespace

int main() { return tuyau::run(show()); }
