// Exercise 1 of the course: a server that shows one page in a browser, and ends.

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>

#include "course.hpp"

using namespace tuyau;

namespace {

task<int> show_one_page(endpoint where) {
    auto listener = tcp_listener::bind(where); // socket, bind, listen
    if (!listener) co_return course::cannot_listen(where, listener.error());
    course::say("Open http://" + listener->local_endpoint().value().to_string() + " in a browser.");

    bool shown = false;
    while (!shown) {
        tcp_stream client = (co_await listener->accept()).value();                                // accept
        auto request = co_await with_deadline(course::patience, course::receive_request(client)); // recv
        if (!request) continue; // it asked for nothing: on to the next
        const bool icon = course::asks_for_icon(*request);
        auto sent = co_await client.send(icon ? course::no_icon : course::page); // send
        co_await course::hang_up(client);                                        // close(client_fd)
        shown = sent && !icon;
    }
    listener->close(); // close(server_fd)
    co_return 0;
}

} // namespace

int main(int count, char** arguments) {
    const auto port = course::port_argument(count, arguments, "Shows one page in a browser, then ends.");
    return tuyau::run(show_one_page({"127.0.0.1", port}));
}
