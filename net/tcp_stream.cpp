#include <tuyau/net/tcp_stream.hpp>

#include <algorithm>
#include <cstring>
#include <poll.h>

#include <tuyau/net/send_copied.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr std::size_t largest_send = std::size_t{1} << 30;
// Of a file at once: it keeps the loop from others for about a tenth of a millisecond.
constexpr std::size_t largest_file_send = 512 * 1024;
constexpr std::size_t most_pieces = 1024; // UIO_MAXIOV, sendmsg(2)

} // namespace

result<endpoint> detail::ask_endpoint(address_query query, int fd) noexcept {
    if (fd < 0) return failure(EBADF);
    sockaddr_storage address{};
    unsigned size = sizeof address;
    auto* native = reinterpret_cast<sockaddr*>(&address);
    if (int error = query(fd, native, &size); error < 0) return failure(-error);
    return endpoint::from_native(native, size);
}

void detail::send_base::set_pieces(std::span<iovec> pieces) noexcept {
    pieces_ = pieces;
    for (const iovec& piece : pieces_) remaining_ += piece.iov_len;
}

void detail::send_base::submit() {
    io_uring_sqe& sqe = loop::current().requests().prepare(*this);
    while (pieces_.front().iov_len == 0) pieces_ = pieces_.subspan(1);
    // MSG_WAITALL: the kernel goes on by itself after a short send (Linux 5.19).
    const int flags = MSG_WAITALL | (more_follows_ ? MSG_MORE : 0);
    if (pieces_.size() == 1) {
        const iovec& piece = pieces_.front();
        io_uring_prep_send(&sqe, stream_->fd(), piece.iov_base, std::min(piece.iov_len, largest_send), flags);
    } else {
        message_.msg_iov = pieces_.data();
        message_.msg_iovlen = std::min(pieces_.size(), most_pieces); // the others follow
        io_uring_prep_sendmsg(&sqe, stream_->fd(), &message_, static_cast<unsigned>(flags));
    }
    submitted();
}

bool detail::send_base::unfinished(int outcome) noexcept {
    if (outcome == -EINTR || outcome == -EAGAIN) return true;
    if (outcome < 0) {
        stream_->send_failed(-outcome);
        return false;
    }
    sent(static_cast<std::size_t>(outcome));
    if (remaining_ == 0) return false;
    stream_->send_cut_short();
    return true;
}

void detail::send_base::sent(std::size_t size) noexcept {
    remaining_ -= size;
    for (iovec& piece : pieces_) {
        const std::size_t step = std::min(size, piece.iov_len);
        piece.iov_base = static_cast<char*>(piece.iov_base) + step;
        piece.iov_len -= step;
        size -= step;
        if (size == 0) break;
    }
}

/// What the socket does not take at once is left to the ring.
bool detail::send_base::is_over_directly() noexcept {
    if (pieces_.size() != 1) return false;
    const iovec& piece = pieces_.front();
    const std::size_t size = std::min(piece.iov_len, largest_send);
    const int outcome = system::send_now(stream_->fd(), piece.iov_base, size, more_follows_);
    if (outcome == -EAGAIN) return false;
    if (outcome < 0) {
        stream_->send_failed(-outcome);
        finished(outcome);
        return true;
    }
    sent(static_cast<std::size_t>(outcome));
    return remaining_ == 0;
}

task<result<std::size_t>> tcp_stream::receive(std::span<std::byte> space) & {
    if (space.empty()) co_return failure(std::errc::invalid_argument);
    detail::receive_stream* state = state_.get();
    if (state == nullptr) co_return failure(EBADF);
    const stream_operation::held held(state); // the stream may be closed, or moved, meanwhile
    if (state->in_use()) {
        auto leased = co_await receive();
        if (!leased) co_return failure(leased.error());
        const std::size_t size = std::min(space.size(), leased->size());
        if (size != 0) std::memcpy(space.data(), leased->data(), size);
        leased->remove_prefix(size);
        if (!leased->empty()) state->put_back(std::move(*leased));
        co_return size;
    }
    const auto ask = [&](io_uring_sqe& sqe) {
        io_uring_prep_recv(&sqe, state->fd(), space.data(), std::min(space.size(), largest_send), 0);
    };
    auto received = co_await operation(ask);
    while (!received && received.error() == std::errc::resource_unavailable_try_again && !state->abandoned())
        received = co_await operation(ask);
    if (state->abandoned()) co_return failure(std::errc::operation_canceled);
    if (!received) co_return failure(received.error());
    if (*received == 0 && state->broken() != 0) co_return failure(state->broken());
    co_return static_cast<std::size_t>(*received);
}

std::size_t tcp_stream::send_now(std::string_view bytes) noexcept {
    const int sent = state_ ? system::send_now(fd(), bytes.data(), bytes.size()) : -EBADF;
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

task<result<std::size_t>> tcp_stream::send_some(const file& from, std::uint64_t position, std::uint64_t most) & {
    detail::receive_stream* state = state_.get();
    if (state == nullptr) co_return failure(EBADF);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(most, largest_file_send));
    if (!from.is_in_memory() || !loop::current().requests().uses(feature::send_file))
        co_return co_await send_copied(*this, from, position, most);
    const stream_operation::held held(state); // the stream may be closed, or moved, meanwhile
    const auto writable = [state](io_uring_sqe& sqe) { io_uring_prep_poll_add(&sqe, state->fd(), POLLOUT); };
    for (;;) {
        const int outcome = system::send_file_now(state->fd(), from.fd(), position, size);
        if (outcome == 0) co_return failure(std::errc::io_error);
        if (outcome < 0 && outcome != -EAGAIN) {
            state->send_failed(-outcome);
            co_return failure(-outcome);
        }
        const bool goes_on = outcome < 0 || static_cast<std::uint64_t>(outcome) != most;
        if (goes_on) {
            auto waited = co_await operation(writable);
            if (!waited) co_return failure(waited.error());
        }
        if (outcome > 0) co_return static_cast<std::size_t>(outcome);
        if (state->abandoned()) co_return failure(std::errc::operation_canceled);
    }
}

bool tcp_stream::is_quiet() const noexcept { return state_ && !state_->has_come() && !system::has_input(fd()); }

result<void> tcp_stream::shutdown_send() noexcept {
    if (!state_) return failure(EBADF);
    state_->sending_ended();
    if (int error = system::shut_down(fd(), SHUT_WR); error < 0) return failure(-error);
    return {};
}

void tcp_stream::abort() noexcept {
    if (!state_) return;
    state_->sending_ended();
    system::shut_down(fd(), SHUT_RDWR);
}

result<endpoint> tcp_stream::local_endpoint() const noexcept {
    return detail::ask_endpoint(system::local_address, fd());
}

result<endpoint> tcp_stream::peer_endpoint() const noexcept { return detail::ask_endpoint(system::peer_address, fd()); }

} // namespace tuyau
