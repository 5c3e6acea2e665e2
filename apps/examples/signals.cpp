// A signal_set receives signals in a coroutine, in order, in place of a handler: it may do whatever a coroutine does.
//
// Prints what a server does at SIGHUP and at SIGTERM, which it sends to itself here.

#include <csignal>

#include <fmt/format.h>

#include <unistd.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<> serve() {
    auto slept = co_await sleep_for(1h); // stands for a server's work
    if (!slept) fmt::print("the server is asked to stop\n");
}

task<> show() {
    signal_set signals{SIGHUP, SIGTERM};
    scope server;
    server.spawn(serve());

    ::kill(::getpid(), SIGHUP);
    while (auto number = co_await signals.next()) {
        if (*number == SIGTERM) break;
        fmt::print("SIGHUP: reads its configuration again\n");
        ::kill(::getpid(), SIGTERM);
    }
    fmt::print("SIGTERM: ends\n");
    server.stop();
    co_await server.join();
}

} // namespace

int main() { return tuyau::run(show()); }
