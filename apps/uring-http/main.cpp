#include <csignal>
#include <cstdio>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/doctor.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>

#include "hello.hpp"
#include "options.hpp"

using namespace tuyau;

namespace {

constexpr int cannot_serve = 1;

/// Opens every listener, or says in one line which one could not be opened.
bool open(const std::vector<endpoint>& where, std::vector<tcp_listener>& listeners) {
    for (const endpoint& each : where) {
        auto listener = tcp_listener::bind(each);
        if (!listener) {
            const char* advice = listener.error() == std::errc::address_in_use
                                     ? " (another program listens there; choose another port with --listen)"
                                     : "";
            std::fputs(fmt::format("uring-http: cannot listen on {}: {}{}\n", each.to_string(),
                                   listener.error().message(), advice)
                           .c_str(),
                       stderr);
            return false;
        }
        listeners.push_back(std::move(*listener));
    }
    return true;
}

task<> accept_on(http::server& server, tcp_listener& listener, deadline& until, int& status) {
    auto ended = co_await server.serve(listener);
    if (is_cancelled(ended.error())) co_return;
    std::fputs(fmt::format("uring-http: cannot accept connections: {}\n", ended.error().message()).c_str(), stderr);
    status = cannot_serve;
    until.request_stop();
}

task<> until_signalled(signal_set& signals) { co_await signals.next(); }

task<> stop_at_signal(signal_set& signals, deadline& work) {
    if (auto number = co_await signals.next()) work.request_stop();
}

task<int> serve(options chosen) {
    std::vector<tcp_listener> listeners;
    if (!open(chosen.listen, listeners)) co_return cannot_serve;
    signal_set signals{SIGINT, SIGTERM};
    hello program;
    http::server server(program, chosen.limits);
    int status = 0;

    scope accepting;
    deadline ends;
    for (tcp_listener& each : listeners) accepting.spawn(accept_on(server, each, ends, status));
    for (tcp_listener& each : listeners)
        std::fputs(fmt::format("Serving http://{}/ (Ctrl-C ends)\n", each.local_endpoint().value().to_string()).c_str(),
                   stdout);
    std::fflush(stdout);
    co_await with_deadline(ends, until_signalled(signals));

    accepting.stop();
    co_await accepting.join();
    listeners.clear();
    deadline at_once;
    scope second_signal;
    second_signal.spawn(stop_at_signal(signals, at_once));
    auto drained = co_await with_deadline(at_once, server.drain());
    if (!drained || !*drained)
        std::fputs("uring-http: some connections did not finish in time and were broken off\n", stderr);
    co_return status;
}

int print_diagnosis() {
    const diagnosis found = diagnose();
    std::fputs(to_text(found).c_str(), stdout);
    return found.can_run() ? 0 : cannot_serve;
}

} // namespace

int main(int argc, char** argv) {
    int exit_code = 0;
    auto chosen = read_options(argc, argv, exit_code);
    if (!chosen) return exit_code;
    return chosen->doctor ? print_diagnosis() : run(serve(std::move(*chosen)));
}
