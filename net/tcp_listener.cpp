#include <tuyau/net/tcp_listener.hpp>

#include <chrono>
#include <cstddef>
#include <netinet/tcp.h>
#include <vector>

#include <tuyau/runtime/system.hpp>
#include <tuyau/runtime/timer_wheel.hpp>

namespace tuyau {

namespace detail {

/// A listening socket and the request that accepts from it, multishot where it can be: owns the descriptor, and those accepted and not yet asked for.
class accept_stream final : public stream_operation, private timer_node {
public:
    explicit accept_stream(int fd) : fd_(fd) { accepted_.reserve(most_waiting); }

    int fd() const noexcept { return fd_; }

    /// The next connection, or an error. Only when there is something.
    result<tcp_stream> take() {
        if (first_ == accepted_.size()) return failure(error_);
        tcp_stream stream(accepted_[first_]);
        if (++first_ == accepted_.size()) {
            accepted_.clear();
            first_ = 0;
        }
        return stream;
    }

private:
    // Connections taken from the kernel ahead of the program; past it they wait in the backlog.
    static constexpr std::size_t most_waiting = 1024;

    // Nothing tells when another part of the process, or another process, gives a descriptor back.
    static constexpr std::chrono::milliseconds pause_when_short{10};

    ~accept_stream() override { system::close(fd_); }

    void prepare(io_uring_sqe& sqe) noexcept override {
        // One at a time is asked for again by who wants the next; the others wait in the backlog.
        if (loop::current().requests().uses(feature::multishot_accept))
            io_uring_prep_multishot_accept(&sqe, fd_, nullptr, nullptr, SOCK_CLOEXEC);
        else
            io_uring_prep_accept(&sqe, fd_, nullptr, nullptr, SOCK_CLOEXEC);
    }

    void keep(int outcome, unsigned) noexcept override {
        if (outcome >= 0) {
            if (dropped_) return system::close(outcome);
            if (accepted_.size() == accepted_.capacity()) { // those taken make room
                accepted_.erase(accepted_.begin(), accepted_.begin() + static_cast<std::ptrdiff_t>(first_));
                first_ = 0;
            }
            accepted_.push_back(outcome);
            if (accepted_.size() - first_ >= most_waiting) cancel();
            return;
        }
        switch (outcome) {
        case -EMFILE:
        case -ENFILE:
        case -ENOBUFS:
        case -ENOMEM: short_ = true; break;
        case -ECANCELED: // by us: enough wait already, or nobody listens any more
        case -EINTR:
        case -EAGAIN:
        // The connection was broken off before it was accepted, accept(2) under "Error handling".
        case -ECONNABORTED:
        case -EPROTO:
        case -EPERM:
        case -ENETDOWN:
        case -ENOPROTOOPT:
        case -EHOSTDOWN:
        case -ENONET:
        case -EHOSTUNREACH:
        case -ENETUNREACH:
        case -ETIMEDOUT: break;
        default: error_ = -outcome;
        }
    }

    bool has_something() const noexcept override { return first_ != accepted_.size() || error_ != 0; }

    void ended() noexcept override {
        const bool wait = std::exchange(short_, false);
        if (!wanted()) return;
        if (wait)
            loop::current().arm(*this, loop::current().now() + pause_when_short);
        else
            arm();
    }

    void expire() noexcept override {
        if (wanted()) arm();
    }

    void drop() noexcept override {
        dropped_ = true;
        timer_node::unlink();
        for (std::size_t index = first_; index < accepted_.size(); ++index) system::close(accepted_[index]);
        accepted_.clear();
        first_ = 0;
    }

    int fd_;
    int error_ = 0;
    std::vector<int> accepted_;
    std::size_t first_ = 0;
    bool short_ = false;
    bool dropped_ = false;
};

} // namespace detail

tcp_listener::tcp_listener(int fd) : state_(new detail::accept_stream(fd)) {}

void tcp_listener::give_up::operator()(detail::accept_stream* state) const noexcept { state->abandon(); }

result<tcp_listener> tcp_listener::bind(endpoint where, listen_options options) {
    const int fd = system::open_socket(where.family(), SOCK_STREAM, IPPROTO_TCP);
    if (fd < 0) return failure(-fd);
    tcp_listener listener(fd);
    int error = system::set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error >= 0 && options.reuse_port) error = system::set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error >= 0) error = system::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (error >= 0) error = system::bind(fd, where.native(), where.native_size());
    if (error >= 0) error = system::listen(fd, options.backlog);
    if (error < 0) return failure(-error);
    return listener;
}

result<std::vector<tcp_listener>> tcp_listener::bind_several(endpoint where, std::size_t count,
                                                             listen_options options) {
    std::vector<tcp_listener> listeners;
    for (std::size_t number = 0; number < count; ++number) {
        // The first takes the port for itself, and lets the others in: else who shares that port already would be let in too.
        options.reuse_port = number != 0;
        auto listener = bind(where, options);
        if (!listener) return failure(listener.error());
        if (number == 0 && count > 1) {
            const int error = system::set_option(listener->state_->fd(), SOL_SOCKET, SO_REUSEPORT, 1);
            if (error < 0) return failure(-error);
        }
        auto bound = listener->local_endpoint();
        if (!bound) return failure(bound.error());
        where = *bound; // with the port that the first was given
        listeners.push_back(std::move(*listener));
    }
    return listeners;
}

tcp_listener::accept_operation tcp_listener::accept() & noexcept { return accept_operation(state_.get()); }

result<endpoint> tcp_listener::local_endpoint() const noexcept {
    return detail::ask_endpoint(system::local_address, state_ ? state_->fd() : -1);
}

tcp_listener::accept_operation::accept_operation(detail::accept_stream* state) noexcept
    : state_(state), readable_(state) {}

result<tcp_stream> tcp_listener::accept_operation::await_resume() {
    if (state_ == nullptr) return failure(EBADF);
    if (!readable_.await_resume()) return failure(std::errc::operation_canceled);
    return state_->take();
}

} // namespace tuyau
