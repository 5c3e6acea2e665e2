#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace uring_client {

/// `uring-client URL`, as it was written on the command line.
struct request_options {
    std::string url;
    bool show_heads = false;
    bool head_only = false;
    bool verbose = false;
    std::optional<std::string> method; ///< none: as the other options have it
    std::vector<std::string> lines;
    std::vector<std::string> data;
    std::string output;
    std::chrono::milliseconds connect_limit{};
    std::chrono::milliseconds whole_limit{}; ///< 0: none
};

/// `uring-client tcp HOST PORT`
struct tcp_options {
    std::string host;
    std::uint16_t port = 0;
    std::chrono::milliseconds connect_limit{};
};

/// What the command line asks for; an int is the exit code of a program that has said what it had to say (--help).
/// Throws a usage failure.
using command = std::variant<int, request_options, tcp_options>;
command read_command_line(int argument_count, char** arguments);

} // namespace uring_client
