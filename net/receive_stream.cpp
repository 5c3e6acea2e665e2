#include <tuyau/net/receive_stream.hpp>

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

#include <tuyau/runtime/system.hpp>

namespace tuyau::detail {
namespace {

// Unread buffers past which the sender is held back: enough to keep a bulk transfer going, and no more than a small part
// of what all connections share.
constexpr unsigned most_unread = 16;

} // namespace

receive_stream::~receive_stream() { system::close(fd_); }

result<buffer> receive_stream::take_end() noexcept {
    require(has_something(), "something was taken from a stream that had brought nothing");
    // Looked at now, when all that has come together is known: a failed send may be told of after the end that it made.
    if (ended_ && !end_taken_) {
        end_taken_ = true;
        error_ = broken_;
    }
    if (error_ != 0) return failure(error_);
    return buffer();
}

void receive_stream::send_failed(int error) noexcept {
    switch (error) {
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH: broken_ = static_cast<std::int16_t>(error); break;
    default: break; // EPIPE among them, which follows an end that came in order
    }
}

void receive_stream::send_cut_short() noexcept {
    if (sending_ended_) return;
    sockaddr_storage address{};
    unsigned size = sizeof address;
    if (system::peer_address(fd_, reinterpret_cast<sockaddr*>(&address), &size) == -ENOTCONN) broken_ = ECONNRESET;
}

void receive_stream::prepare(io_uring_sqe& sqe) noexcept {
    loop& here = loop::current();
    const bool multishot = here.requests().uses(feature::multishot_receive);
    polled_ = !here.receive_buffers().lent_to_kernel();
    goes_on_ = polled_ || !multishot;
    starved_ = false;
    if (polled_) return io_uring_prep_poll_add(&sqe, fd_, POLLIN);
    if (multishot)
        io_uring_prep_recv_multishot(&sqe, fd_, nullptr, 0, 0);
    else
        io_uring_prep_recv(&sqe, fd_, nullptr, 0, 0);
    io_uring_sqe_set_flags(&sqe, IOSQE_BUFFER_SELECT);
    sqe.buf_group = buffers::group;
}

void receive_stream::keep(int outcome, unsigned flags) noexcept {
    buffers& pool = loop::current().receive_buffers();
    if (polled_ && outcome > 0) [[unlikely]] {
        if (dropped_) return;
        outcome = pool.receive(*this, fd_);
    } else if ((flags & IORING_CQE_F_BUFFER) != 0) {
        if (outcome > 0 && !dropped_)
            pool.push(*this, flags, static_cast<std::size_t>(outcome));
        else
            pool.discard(flags);
    }
    if (outcome <= 0) goes_on_ = false;
    if (outcome > 0 && !goes_on_ && !dropped_) look_later();
    if (unread() >= most_unread) hold_back();
    switch (outcome) {
    case 0: ended_ = true; break;
    case -ENOBUFS: starved_ = true; break;
    case -ECANCELED: // by us: to hold the sender back, or to let go
    case -EINTR:
    case -EAGAIN: break;
    default:
        if (outcome < 0) error_ = static_cast<std::int16_t>(-outcome);
    }
}

// A multishot receive may never be told of a reset that comes right behind data: the kernel looks at both at once, brings
// the data, and waits for what has happened already (seen with Linux 6.18; liburing's issue 1549 is about a like race).
void receive_stream::look() noexcept {
    if (system::hung_up(fd_)) cancel(); // whoever reads on asks anew, and is told
}

void receive_stream::ended() noexcept {
    if (!wanted() && !goes_on_) return;
    if (starved_)
        loop::current().receive_buffers().wait(*this);
    else
        arm();
}

void receive_stream::hold_back() noexcept {
    goes_on_ = false;
    cancel();
}

void receive_stream::buffers_available() noexcept {
    if (wanted()) arm();
}

void receive_stream::drop() noexcept {
    dropped_ = true;
    if (is_held()) system::shut_down(fd_, SHUT_RDWR); // ends the other requests on this socket
    if (unread() != 0)
        home().receive_buffers().clear(*this);
    else
        buffer_client::unlink();
}

} // namespace tuyau::detail
