#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "options_connection.hpp"
#include "options_output.hpp"
#include "options_request.hpp"

namespace uring_client {

/// `uring-client URL…`, as it was written on the command line.
struct request_options {
    std::vector<std::string> urls;
    message_options message;
    output_options output;
    connection_options connection;
    tls_options tls;
    repeat_options repeat;
};

/// `uring-client tcp HOST PORT`
struct tcp_options {
    std::string host;
    std::uint16_t port = 0;
    bool listen = false; ///< wait there for one peer
    bool secure = false; ///< TLS
    bool raw = false;    ///< to a terminal too
    std::chrono::milliseconds connect_limit{};
    network_options network;
    tls_options tls;
};

/// What the command line asks for; an int is the exit code of a program that has said what it had to say (--help).
/// Throws a usage failure.
using command = std::variant<int, request_options, tcp_options>;
command read_command_line(int argument_count, char** arguments);

} // namespace uring_client
