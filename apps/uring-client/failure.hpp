#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

namespace uring_client {

/// How the program ends; curl's numbers where curl has one. The help lists them.
enum class exit_code : int {
    done = 0,
    unsupported_scheme = 1,
    usage = 2,
    malformed_url = 3,
    proxy_not_resolved = 5,
    not_resolved = 6,
    not_connected = 7,
    malformed_response = 8,
    cut_short = 18,
    error_status = 22,
    not_written = 23,
    not_read = 26,
    timed_out = 28,
    not_resumed = 33,
    handshake_failed = 35,
    too_many_redirects = 47,
    empty_reply = 52,
    send_failed = 55,
    receive_failed = 56,
    own_certificate = 58,
    not_trusted = 60,
    bad_coding = 61,
    too_large = 63,
    not_repeatable = 65,
    authorities_unreadable = 77,
};

/// Ends the program with a code and one line for the person who called it.
class failure : public std::runtime_error {
public:
    failure(exit_code code, const std::string& line) : std::runtime_error(line), code_(code) {}
    exit_code code() const noexcept { return code_; }

private:
    exit_code code_;
};

/// The program was asked to stop, by its time limit or by a signal, while it was doing what what() says.
class stopped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws what an operation's error means: `stopped` with `doing` when it was told to, or a failure with `line`.
[[noreturn]] void fail(std::error_code error, const std::string& doing, exit_code code, const std::string& line);

} // namespace uring_client
