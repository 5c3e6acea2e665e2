#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "action.hpp"
#include "kernel/tcp.hpp"

namespace simulation {

/// One end of a connection, in the hands of the scenario and not of the program under test.
class peer {
public:
    peer() noexcept = default;
    explicit peer(std::shared_ptr<tcp_socket> socket) noexcept : socket_(std::move(socket)) {}
    peer(peer&&) noexcept = default;
    peer& operator=(peer&&) noexcept = default;
    ~peer() { close(); }

    /// Connects to the program; a peer that is not open when it is refused, with the errno in `error`.
    static action<peer> connect(std::uint16_t port);

    bool is_open() const noexcept { return socket_ != nullptr; }

    /// What has come, `most` bytes at most, once something has; empty at the end or after an error, see `error`.
    action<std::string> receive(std::size_t most = 65536);

    /// Sends all of it; false when the connection broke before.
    action<bool> send(std::string bytes);

    /// The same, without waiting: how much the socket took.
    std::size_t send_now(std::string_view bytes);

    void shutdown_send() { socket_->shut_down(SHUT_WR); }
    void close();
    void reset();

    /// 0, or how the connection broke.
    int error() const noexcept { return error_; }

    /// Whether the connection has broken, even if nobody has been told by a call.
    bool is_broken() const noexcept { return socket_ && socket_->was_reset(); }

    std::uint16_t port() const noexcept { return socket_->port(); }

private:
    std::shared_ptr<tcp_socket> socket_;
    int error_ = 0;
};

/// A server that is not the program under test.
class peer_listener {
public:
    /// On a port of its own choice, or on `port`.
    explicit peer_listener(std::uint16_t port = 0);
    ~peer_listener();
    peer_listener(const peer_listener&) = delete;

    std::uint16_t port() const noexcept { return socket_->port(); }
    action<peer> accept();

private:
    std::shared_ptr<tcp_socket> socket_;
};

} // namespace simulation
