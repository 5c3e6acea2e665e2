#pragma once

#include <csignal>
#include <cstdint>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>

namespace simulation::scenarios {

/// A program around the library's server: until SIGTERM ends it, with a drain; whether that was in time.
inline tuyau::task<bool> serve_until_told(tuyau::http::server& server, std::uint16_t port) {
    tuyau::signal_set ends{SIGTERM};
    tuyau::tcp_listener listener = tuyau::tcp_listener::bind({"127.0.0.1", port}).value();
    tuyau::scope accepting;
    accepting.spawn(server.serve(listener));
    (void)co_await ends.next();
    accepting.stop();
    co_await accepting.join();
    const bool drained = co_await server.drain();
    co_return drained;
}

} // namespace simulation::scenarios
