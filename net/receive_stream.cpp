#include <tuyau/net/receive_stream.hpp>

#include <sys/socket.h>

namespace tuyau::detail {
namespace {

// Unread buffers past which the sender is held back: enough to keep a bulk transfer going, and no more than a small part
// of what all connections share.
constexpr unsigned most_unread = 16;

} // namespace

receive_stream::~receive_stream() { system::close(fd_); }

result<buffer> receive_stream::take() noexcept {
    if (unread() != 0) return loop::current().receive_buffers().pop(*this);
    if (error_ != 0) return failure(error_);
    return buffer();
}

void receive_stream::prepare(io_uring_sqe& sqe) noexcept {
    io_uring_prep_recv_multishot(&sqe, fd_, nullptr, 0, 0);
    io_uring_sqe_set_flags(&sqe, IOSQE_BUFFER_SELECT);
    sqe.buf_group = buffers::group;
}

void receive_stream::keep(int outcome, unsigned flags) noexcept {
    buffers& pool = loop::current().receive_buffers();
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        if (outcome > 0 && !dropped_) {
            pool.push(*this, flags, static_cast<std::size_t>(outcome));
            if (unread() >= most_unread) cancel();
        } else {
            pool.discard(flags);
        }
    }
    switch (outcome) {
    case 0: ended_ = true; break;
    case -ENOBUFS: starved_ = true; break;
    case -ECANCELED: // by us: to hold the sender back, or to let go
    case -EINTR:
    case -EAGAIN: break;
    default:
        if (outcome < 0) error_ = -outcome;
    }
}

void receive_stream::ended() noexcept {
    if (!wanted()) return;
    if (std::exchange(starved_, false))
        loop::current().receive_buffers().wait(*this);
    else
        arm();
}

void receive_stream::buffers_available() noexcept {
    if (wanted()) arm();
}

void receive_stream::drop() noexcept {
    dropped_ = true;
    if (is_held()) system::shut_down(fd_, SHUT_RDWR); // ends the other requests on this socket
    if (unread() != 0)
        loop::current().receive_buffers().clear(*this);
    else
        buffer_client::unlink();
}

} // namespace tuyau::detail
