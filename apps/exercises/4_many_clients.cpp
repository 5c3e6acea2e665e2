// Exercise 4 of the course: a server that many clients use at once. What one of them says reaches all the others.
//
// The course wants an array of client sockets, and threads, so that accept goes on while each client's recv waits. Here
// each of these waits is a coroutine, and one ring waits for all of them on one thread.

#include <csignal>
#include <map>
#include <memory>
#include <string>

#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/timer.hpp>

#include "course.hpp"

using namespace tuyau;

namespace {

constexpr std::size_t most_clients = 1000; // at once; more wait to be accepted
constexpr std::size_t longest_line = 1000; // bytes
constexpr std::size_t most_unsent = 1024;  // lines kept for a client that is slow to read them; then it is dropped

using shared_line = std::shared_ptr<const std::string>; // one copy, however many it is sent to

struct client {
    tcp_stream socket;
    channel<shared_line> outbox{most_unsent};
    bool too_slow = false;
};

using table = std::map<int, client*>; // the course's array of client sockets: who is here, by number

std::string name_of(int number) { return "client " + std::to_string(number); }

shared_line line_of(std::string text) { return std::make_shared<const std::string>(std::move(text) + "\n"); }

/// Puts a line into every outbox but the speaker's, and never waits for a reader.
task<> tell_others(table& clients, int speaker, std::string text) {
    const shared_line line = line_of(std::move(text));
    for (auto& [number, other] : clients) {
        if (number == speaker || other->outbox.try_send(line)) continue;
        other->too_slow = true;
        other->socket.abort(); // its recv and send end now, and its own coroutine says good-bye
    }
    co_await yield(); // before the next line, those who send have their turn
}

task<> announce(table& clients, int who, std::string what) {
    course::say(what);
    co_await tell_others(clients, who, "* " + what);
}

/// Sends what is in the outbox, all of it in one go, again and again until the outbox is closed.
task<> send_outbox(client& me) {
    while (auto line = co_await me.outbox.receive()) {
        std::string lines = **line;
        while (me.outbox.size() != 0) lines += **(co_await me.outbox.receive());
        auto sent = co_await me.socket.send(lines); // send
        if (!sent) break;
    }
}

task<> flush(client& me, scope& sender) {
    me.outbox.close();
    co_await sender.join();
}

task<> serve_client(table& clients, int number, tcp_stream socket) {
    client me{std::move(socket)};
    me.outbox.try_send(
        line_of("* welcome, you are " + name_of(number) + "; here with you: " + std::to_string(clients.size())));
    clients.emplace(number, &me);
    scope sender;
    sender.spawn(send_outbox(me)); // sends while we receive

    line_reader lines(me.socket, longest_line);
    auto line = co_await lines.next(); // recv
    while (line && !me.too_slow) { // the abort may have come in the middle of a line
        co_await tell_others(clients, number, name_of(number) + ": " + *line);
        line = co_await lines.next();
    }

    std::string farewell = name_of(number) + " left";
    if (me.too_slow) {
        farewell += ", dropped: it does not read what is sent to it";
    } else if (line.error() == std::errc::message_size) {
        farewell += ", dropped: its line was longer than " + std::to_string(longest_line) + " bytes";
        me.outbox.try_send(line_of("* good-bye: a line may have " + std::to_string(longest_line) + " bytes"));
    }
    clients.erase(number);
    co_await announce(clients, number, farewell);
    co_await with_deadline(course::patience, flush(me, sender)); // it still gets what was said until now
    co_await course::hang_up(me.socket);                         // close(client_fd)
}

task<> accept_clients(tcp_listener& listener) {
    table clients;
    scope conversations;
    int number = 0;
    while (auto socket = co_await listener.accept()) { // accept
        conversations.spawn(serve_client(clients, ++number, std::move(*socket)));
        co_await announce(clients, number, name_of(number) + " came");
        co_await conversations.fewer_than(most_clients);
    }
}

task<int> serve(endpoint where) {
    signal_set ends{SIGINT, SIGTERM};
    auto listener = tcp_listener::bind(where); // socket, bind, listen
    if (!listener) co_return course::cannot_listen(where, listener.error());
    const endpoint here = listener->local_endpoint().value();
    course::say("Chat on " + here.to_string() + ", for instance with: nc 127.0.0.1 " + std::to_string(here.port()));

    scope server;
    server.spawn(accept_clients(*listener));
    co_await ends.next(); // Ctrl-C: the scope ends every conversation, wherever it is
    co_return 0;
} // close(server_fd)

} // namespace

int main(int count, char** arguments) {
    const auto port = course::port_argument(count, arguments,
                                            "A chat room: what one client says reaches all the others, until Ctrl-C.");
    return tuyau::run(serve({"127.0.0.1", port}));
}
