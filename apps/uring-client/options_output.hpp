#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace uring_client {

/// Where one response goes.
struct destination {
    bool remote_name = false; ///< -O: a file named as the last part of the URL's path
    std::string path;         ///< empty or "-": standard output
};

/// What becomes of responses, and what is told.
struct output_options {
    std::vector<destination> destinations; ///< of the first URLs; those of the others are standard output
    std::string folder;                    ///< for those of -o and -O; empty: none
    bool show_heads = false;
    bool verbose = false;
    bool silent = false;
    bool show_errors = false; ///< though silent
    bool meter = true;        ///< progress on a terminal
    bool fail = false;        ///< an error status is a failure
    bool fail_with_body = false;
    bool resume = false;
    bool raw = false;               ///< to a terminal too
    std::uint64_t largest_body = 0; ///< bytes; 0: any
    std::string write_out;
};

/// As those for messages, see there.
void add_output_options(CLI::App& app, output_options& options);
void finish_output_options(const CLI::App& app, output_options& options);

} // namespace uring_client
