#pragma once

#include <string>

namespace peer {

/// How an HTTP peer was started: PROGRAM RESPONSE_FILE [--parse] [--wait COUNT MICROSECONDS]
struct options {
    std::string response;    ///< what answers each request, whole
    bool parse = false;      ///< llhttp counts the requests; else every received buffer is taken for one
    unsigned wait_count = 1; ///< completions to wait for,
    unsigned wait_time = 0;  ///< for this many microseconds; then one is enough
};

/// Ends the program with 2 and a line of usage if they are wrong, `--wait` also where `takes_wait` is false.
options read_options(int argc, char** argv, bool takes_wait = false);

} // namespace peer
