#pragma once

#include <chrono>

#include <tuyau/net/http/client/client_error.hpp>

namespace uring_client {

/// Throws what a client's error is to the person who called the program: a failure with its exit code and a line that says
/// what to try, or `stopped`. `connect_limit`: which --connect-timeout was in force.
[[noreturn]] void fail(const tuyau::http::client_error& error, std::chrono::milliseconds connect_limit);

/// Whether a later attempt may go better (curl's --retry): time-outs and broken connections.
bool is_transient(const tuyau::http::client_error& error) noexcept;

} // namespace uring_client
