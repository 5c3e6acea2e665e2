// Exercise 2 of the course: a server that goes back to accept after each client, until it is told to end.

#include <csignal>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>

#include "course.hpp"

using namespace tuyau;

namespace {

task<> show_page_after_page(tcp_listener& listener) {
    while (auto client = co_await listener.accept()) {                                             // accept
        auto request = co_await with_deadline(course::patience, course::receive_request(*client)); // recv
        if (!request) continue; // it asked for nothing: on to the next
        co_await client->send(course::asks_for_icon(*request) ? course::no_icon : course::page); // send
        co_await course::hang_up(*client);                                                       // close(client_fd)
    } // back to accept
}

task<int> serve(endpoint where) {
    signal_set ends{SIGINT, SIGTERM};
    auto listener = tcp_listener::bind(where); // socket, bind, listen
    if (!listener) co_return course::cannot_listen(where, listener.error());
    course::say("Open http://" + listener->local_endpoint().value().to_string() + " in a browser.");

    scope server;
    server.spawn(show_page_after_page(*listener));
    co_await ends.next(); // Ctrl-C: the scope ends what runs in it, wherever that is
    co_return 0;
} // close(server_fd)

} // namespace

int main(int count, char** arguments) {
    const auto port =
        course::port_argument(count, arguments, "Shows a page to one browser after another, until Ctrl-C.");
    return tuyau::run(serve({"127.0.0.1", port}));
}
