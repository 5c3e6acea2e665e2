#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"

namespace tests {

inline const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
inline const std::string last_get = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
inline const std::string found = "HTTP/1.1 200 OK\r\n";

/// A program that ended in place of serving; what() is what it wrote to standard error.
struct did_not_serve : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// uring-http on a port that the kernel picked.
class http_server {
public:
    /// `before`: a command that runs the program with something about it changed, such as prlimit. Throws
    /// `did_not_serve`.
    explicit http_server(std::vector<std::string> options = {}, std::vector<std::string> before = {});

    process& program() { return program_; }
    const process& program() const { return program_; }
    const std::string& url() const { return url_; }
    const std::string& address() const { return address_; }
    std::uint16_t port() const { return port_; }

    /// Sends `bytes` on a connection of their own; all that comes back until the end.
    std::string ask(const std::string& bytes) const;

    /// The promise behind every other: whatever came before, the next good request is answered.
    void check_alive() const;

    /// Ends it as an operator would; its exit code.
    int end();

private:
    process program_;
    std::string url_;
    std::string address_;
    std::uint16_t port_ = 0;
};

/// The size of the whole of the first response in `text`, by its Content-Length. Throws when there is no whole head.
std::size_t response_size(std::string_view text);

} // namespace tests
