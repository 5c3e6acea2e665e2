#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "socket.hpp"

namespace tests {

/// To be called before bytes are sent and after some are received: what a thread has done before it sent is then done for
/// the one that receives. The kernel sees to that anyway, which the thread sanitizer cannot know.
void hand_over();

/// A server's end of one connection, on a thread of its own. Its waits are bounded, and throw when what they wait for does
/// not come; that ends the script.
class conversation {
public:
    explicit conversation(int fd) noexcept : peer_(fd) {}

    /// The next request, its body included, as its head tells the size: Content-Length, chunks, or none. What there was
    /// when the client has closed.
    std::string receive_request();

    /// Its head alone, the empty line included; a client that waits for a 100 sends no more.
    std::string receive_head();

    std::string receive_exactly(std::size_t size);
    std::string receive_all();

    void send(const std::string& bytes);

    /// Each byte in a segment of its own.
    void send_bytewise(const std::string& bytes);

    /// `size` bytes, in which the place of each can be seen: see `pattern`.
    void send_pattern(std::size_t size);

    /// Until the client has closed its end, or broken the connection off.
    void wait_for_end() { receive_all(); }

    void shutdown_send();

    /// Ends the connection with a reset. The end of a script closes it in order.
    void reset();

    int fd() const noexcept { return peer_.fd(); }

private:
    socket_client peer_;
};

/// The bytes from `offset` on of what `send_pattern` sends.
std::string pattern(std::size_t offset, std::size_t size);

/// What a server does on one connection.
using script = std::function<void(conversation&)>;

/// Several, one after another.
script in_order(std::initializer_list<script> steps);

/// Takes one request, and answers it with `response`, as it stands.
script answer(std::string response);

/// Listens on 127.0.0.1 and follows scripts: the first connection the first, and so on; the last one serves all that come
/// after. Every connection has a thread of its own.
class scripted_server {
public:
    explicit scripted_server(std::vector<script> scripts);
    explicit scripted_server(script only) : scripted_server(std::vector{std::move(only)}) {}
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;
    ~scripted_server(); ///< breaks off what is left

    std::uint16_t port() const noexcept { return listener_.port(); }
    std::string url(const std::string& path = "/") const;

    /// Connections that were accepted so far.
    std::size_t connections() const;

    /// What ended scripts before they were through.
    std::vector<std::string> failures() const;

private:
    void accept_all();
    void follow(const script& what, int fd);

    socket_server listener_;
    std::vector<script> scripts_;
    mutable std::mutex mutex_;
    bool ending_ = false;
    std::size_t connections_ = 0;
    std::vector<int> open_;
    std::vector<std::string> failures_;
    std::vector<std::jthread> threads_;
    std::jthread accepting_; // last: it uses all of the above
};

} // namespace tests
