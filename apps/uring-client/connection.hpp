#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/task.hpp>

namespace uring_client {

/// `host:port`, with brackets around IPv6, as it is shown to people.
std::string name_of(const std::string& host, std::uint16_t port);

/// Connects, or throws the failure that says why not.
tuyau::task<tuyau::tcp_stream> connect_to(std::string host, std::uint16_t port, std::chrono::milliseconds limit);

} // namespace uring_client
