#pragma once

#include <chrono>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/net/unix_address.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// One end of a connection over a Unix stream socket, between processes of this machine. What `tcp_stream` says of its
/// functions holds here: both are a socket, and are used in the same way; this one has no endpoints.
class unix_stream : private tcp_stream {
public:
    unix_stream() noexcept = default;

    /// Takes over a connected socket, in blocking mode.
    explicit unix_stream(int fd) : tcp_stream(fd) {}

    using tcp_stream::abort;
    using tcp_stream::close;
    using tcp_stream::is_open;
    using tcp_stream::is_quiet;
    using tcp_stream::readable;
    using tcp_stream::receive;
    using tcp_stream::send;
    using tcp_stream::send_now;
    using tcp_stream::shutdown_send;

private:
    friend class unix_listener;
    explicit unix_stream(tcp_stream accepted) noexcept : tcp_stream(std::move(accepted)) {}
};

/// Connects to who listens at `where`. A listener whose backlog is full is waited for, `limit` at most.
task<result<unix_stream>> connect(unix_address where, std::chrono::milliseconds limit = std::chrono::seconds(10));

/// A Unix socket that listens; used as a `tcp_listener`.
class unix_listener : private tcp_listener {
public:
    unix_listener() noexcept = default;

    /// A path must not exist: `address_in_use` where it does, be it that of a listener that is gone. It stays when this one
    /// is closed; who may connect is up to its permissions and those of its folder.
    static result<unix_listener> bind(const unix_address& where, int backlog = 4096);

    /// As that of a `tcp_listener`.
    task<result<unix_stream>> accept() &;
    void accept() && = delete;

    using tcp_listener::close;
    using tcp_listener::is_open;

private:
    explicit unix_listener(int fd) : tcp_listener(fd) {}
};

} // namespace tuyau
