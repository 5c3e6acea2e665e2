#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <tuyau/net/http/request_head.hpp>

namespace tuyau::http {

/// What clients may take of a server. Past each time a client that waits for a response gets a 408, where it can.
struct server_limits {
    request_limits request;
    std::size_t connections = 10'000;              ///< at once; past it new ones wait in the listener's backlog
    std::size_t connections_per_address = 0;       ///< at once; past it a 503 and the end; 0: as many as there may be
    std::size_t requests = 1'000'000;              ///< on one connection, which then closes
    std::chrono::milliseconds header_time{10'000}; ///< from a request's first byte to the end of its header section
    std::chrono::milliseconds body_time{60'000};   ///< of waiting for a body's bytes: those that come give it back, by `body_rate`
    std::uint64_t body_rate = 1024;                ///< bytes of a body that give a second back; 0: none do
    std::chrono::milliseconds idle_time{60'000};   ///< between requests
    std::chrono::milliseconds send_time{30'000};   ///< for the client to take what is sent, or the next 256 KiB of it, 64 KiB of a file
    std::chrono::milliseconds drain_time{10'000};  ///< for what is under way, once the server is asked to end
};

} // namespace tuyau::http
