#pragma once

#include <cstdint>
#include <string>

namespace tests {

/// A client that is not ours: one blocking socket, each wait bounded. Throws when something does not come.
class socket_client {
public:
    socket_client(const std::string& address, std::uint16_t port);

    /// Takes over a connected socket, as `socket_server::accept` gives it.
    explicit socket_client(int fd) noexcept : fd_(fd) {}
    socket_client(const socket_client&) = delete;
    socket_client& operator=(const socket_client&) = delete;
    ~socket_client();

    void send(const std::string& bytes);

    /// Sends what the peer takes without waiting; how many bytes that was.
    std::size_t send_some(const std::string& bytes);

    /// What is there, once something is; empty at the end of the stream.
    std::string receive();

    /// Until the bytes received so far contain `text`, or the stream ends.
    std::string receive_until(const std::string& text);

    /// Exactly `size` bytes, or fewer at the end of the stream.
    std::string receive_exactly(std::size_t size);

    /// Until the end of the stream. A connection that the peer reset ends it too: see `was_reset`.
    std::string receive_all();

    bool was_reset() const noexcept { return reset_; }

    void shutdown_send();

    /// Closes with a reset in place of an orderly end.
    void reset();

    /// A small receive buffer, for a client that is slow to read. Before anything is sent.
    void shrink_receive_buffer(int bytes);

    std::uint16_t local_port() const;
    int fd() const noexcept { return fd_; }

private:
    bool wait_for(short events);
    int fd_;
    bool reset_ = false;
    std::string pending_;
};

/// A server that is not ours: it listens on 127.0.0.1, on a port that the kernel picks.
class socket_server {
public:
    socket_server();
    socket_server(const socket_server&) = delete;
    socket_server& operator=(const socket_server&) = delete;
    ~socket_server();

    std::uint16_t port() const noexcept { return port_; }

    /// The descriptor of the next connection; the caller closes it. Throws when none comes.
    int accept();

    int fd() const noexcept { return fd_; }

private:
    int fd_;
    std::uint16_t port_;
};

} // namespace tests
