#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/http_server.hpp"
#include "support/memory_tells.hpp"
#include "support/socket.hpp"

namespace tests {

struct connect_options {
    std::string source{};   ///< an address of this machine; empty: the kernel picks one
    int receive_buffer = 0; ///< bytes; 0: the kernel's choice
    int segment = 0;        ///< bytes at most in one packet to us, as a network would have it; 0: the kernel's choice
};

/// A connection with these options. Throws when there is none.
std::unique_ptr<socket_client> connect_with(const connect_options& options, std::uint16_t port);

/// An address of loopback for the `number`-th connection, so that no address runs out of ports.
std::string source_address(std::size_t number);

/// `count` requests, each of `size` bytes at least, that are answered by a page or, every third, by a 404: so that their
/// answers show whether one is missing, double or out of place.
std::string series(std::size_t count, std::size_t size = 0);

/// How many of a series `text` answers. Throws unless it consists of whole answers in the order of the series.
std::size_t answers_in(std::string_view text);

/// A client that behaves, on one connection: each request is answered there by the whole page.
class good_client {
public:
    explicit good_client(const http_server& server) : connection_(server.address(), server.port()) {}

    /// Asks and checks the answer.
    void check_served();

private:
    socket_client connection_;
    std::string page_; // as it came the first time
};

/// Has good requests served until the server has no more than `expected` descriptors; false when that does not come.
bool descriptors_return(const http_server& server, std::size_t expected);

/// Whether the peer has sent something, or ended, by now.
bool has_something(const socket_client& client);

/// Exercise 4's chat on a port that the kernel picked.
class chat_server {
public:
    explicit chat_server(std::vector<std::string> before = {});

    process& program() { return program_; }
    std::uint16_t port() const { return port_; }

    /// Ends it as its user would; its exit code.
    int end();

private:
    process program_;
    std::uint16_t port_;
};

} // namespace tests
