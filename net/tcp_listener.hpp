#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/borrowing.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/stream_operation.hpp>

namespace tuyau {

namespace detail {
class accept_stream;
}

struct listen_options {
    int backlog = 4096; ///< connections that the kernel completes before they are accepted; net.core.somaxconn caps it
    bool reuse_port = false; ///< SO_REUSEPORT: several listeners on one port, the kernel spreads the connections
};

/// A socket that listens for TCP connections.
///
/// Move-only; used on the thread of the loop that it first accepts on. One coroutine accepts at a time. Connections accept
/// with TCP_NODELAY set, inherited from here.
class tcp_listener {
public:
    tcp_listener() noexcept = default;

    /// Opens, binds (SO_REUSEADDR) and listens. Port 0 lets the kernel pick one: `local_endpoint` tells which.
    static result<tcp_listener> bind(endpoint where, listen_options options = {});

    /// `count` listeners on one port (SO_REUSEPORT), one for each of several loops: the kernel spreads the connections.
    /// `address_in_use` where anybody listens on it, also if it is shared. One alone shares with nobody. A listener
    /// that is closed takes those with it that wait in its own backlog.
    static result<std::vector<tcp_listener>> bind_several(endpoint where, std::size_t count,
                                                          listen_options options = {});

    class accept_operation;

    /// `result<tcp_stream>`: the next connection. The kernel is asked once, not once per connection. A connection that was
    /// broken off before it could be accepted is passed over; a process or machine short of descriptors or memory is
    /// waited out, while new connections queue in the backlog.
    [[nodiscard]] accept_operation accept() & noexcept;
    void accept() && = delete;

    result<endpoint> local_endpoint() const noexcept;

    bool is_open() const noexcept { return state_ != nullptr; }

    /// Stops listening; connections not yet accepted are closed. Who waits in `accept` is woken with an error.
    void close() noexcept { state_.reset(); }

protected:
    /// Takes over a socket that listens, or is about to.
    explicit tcp_listener(int fd);

private:
    struct give_up {
        void operator()(detail::accept_stream* state) const noexcept;
    };

    std::unique_ptr<detail::accept_stream, give_up> state_;
};

class [[nodiscard]] tcp_listener::accept_operation : public borrowing<accept_operation> {
public:
    explicit accept_operation(detail::accept_stream* state) noexcept;

    bool await_ready() const noexcept { return state_ == nullptr; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        return readable_.await_suspend(handle);
    }

    result<tcp_stream> await_resume();

private:
    detail::accept_stream* state_;
    stream_operation::readable readable_;
};

} // namespace tuyau
