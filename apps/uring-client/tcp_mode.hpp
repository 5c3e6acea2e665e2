#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <tuyau/runtime/task.hpp>

namespace uring_client {

/// Standard input goes to the socket and what comes back to standard output, both at once, until the peer has ended its
/// side; the end of the input is passed on as a half-close. Throws failures.
tuyau::task<> talk_tcp(std::string host, std::uint16_t port, std::chrono::milliseconds connect_limit);

} // namespace uring_client
