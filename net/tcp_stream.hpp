#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <sys/socket.h>
#include <sys/uio.h>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/receive_stream.hpp>
#include <tuyau/runtime/borrowing.hpp>
#include <tuyau/runtime/buffers.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// One end of a TCP connection.
///
/// Move-only; used on the thread of the loop it was made on. At most one coroutine receives and at most one sends at a
/// time, and the two may be different. Destroying it closes the connection; so does `close`. A stream that was moved from
/// or closed answers every call with `EBADF`.
class tcp_stream {
public:
    tcp_stream() noexcept = default;

    /// Takes over a connected socket; it must be in blocking mode (no O_NONBLOCK), as the ring does the waiting.
    explicit tcp_stream(int fd) : state_(new detail::receive_stream(fd)) {}

    bool is_open() const noexcept { return state_ != nullptr; }

    class receive_operation;

    /// `result<buffer>`: the bytes that come next, leased from the loop's buffers until the buffer is destroyed; an empty
    /// buffer at the end of the stream. The kernel is asked once per connection, not once per call. When a send of ours was
    /// cut short by the connection's end, that end is told as ECONNRESET: nobody knows then whether the peer had said all.
    [[nodiscard]] receive_operation receive() & noexcept;

    class readable_operation;

    /// `bool`: waits until `receive` has something at once, be it the end of the stream or an error, and takes nothing. False
    /// when the awaiting task was asked to stop. What waits so holds the least memory that a connection can.
    [[nodiscard]] readable_operation readable() & noexcept;
    void readable() && = delete;

    /// What `readable` has told of, at once: as `receive`, and only then.
    result<buffer> take() & noexcept {
        if (!state_) [[unlikely]]
            return failure(EBADF);
        return state_->take();
    }

    /// Receives into the caller's memory, straight from the kernel unless leased buffers are already in play: how many
    /// bytes, 0 at the end of the stream. An empty `space` is an `invalid_argument`.
    task<result<std::size_t>> receive(std::span<std::byte> space) &;

    /// A stream that is gone with the expression would take what it receives with it.
    void receive(auto&&...) && = delete;

    template <std::size_t Pieces>
    class send_operation;

    /// `result<void>`: sends all of `bytes`, which must live until the await is over.
    [[nodiscard]] send_operation<1> send(std::string_view bytes) & noexcept;
    [[nodiscard]] send_operation<1> send(std::span<const std::byte> bytes) & noexcept;

    /// Sends several pieces one after another in one request.
    template <class... Rest>
        requires(std::is_convertible_v<Rest, std::string_view> && ...)
    [[nodiscard]] send_operation<2 + sizeof...(Rest)> send(std::string_view first, std::string_view second,
                                                           const Rest&... rest) & noexcept;

    /// The same for a number of pieces that is known at run time. The pieces are moved on while they are sent, so that
    /// their values are spent afterwards.
    [[nodiscard]] send_operation<0> send(std::span<iovec> pieces) & noexcept;

    /// The same where another send follows, for which what is no whole packet may wait. Tries the socket at once.
    [[nodiscard]] send_operation<0> send_before_more(std::span<iovec> pieces) & noexcept;

    /// Sends bytes of a file from `position` on, `most` at most: as many as the connection takes at once, and at least one,
    /// for which it waits; how many. Those of a `file::in_memory` are passed on without being copied. Of another file they
    /// are copied, for who writes to it would change what is still on its way. The file has to have them: `io_error` if it
    /// ends before. To be called until all are sent: it lets others have their turn.
    task<result<std::size_t>> send_some(const file& from, std::uint64_t position, std::uint64_t most) &;

    /// As with `receive`.
    void send(auto&&...) && = delete;

    /// Sends what the socket takes without waiting, while nobody sends: how many bytes. For a last word before `close`.
    std::size_t send_now(std::string_view bytes) noexcept;

    /// Whether nothing waits to be received, neither bytes nor the end of the stream nor an error. For a stream that nobody
    /// receives from, before it is used again.
    bool is_quiet() const noexcept;

    /// Half-close: the peer reads the end of the stream after what was sent; receiving goes on.
    result<void> shutdown_send() noexcept;

    /// Ends both directions at once: who receives or sends on this stream, in another coroutine, is woken. The
    /// descriptor stays until `close`.
    void abort() noexcept;

    void close() noexcept { state_.reset(); }

    /// The two ends of this connection, as the kernel knows them.
    result<endpoint> local_endpoint() const noexcept;
    result<endpoint> peer_endpoint() const noexcept;

private:
    struct give_up {
        void operator()(detail::receive_stream* state) const noexcept { state->abandon(); }
    };
    int fd() const noexcept { return state_ ? state_->fd() : -1; }

    std::unique_ptr<detail::receive_stream, give_up> state_;
};

class [[nodiscard]] tcp_stream::receive_operation : public borrowing<receive_operation> {
public:
    explicit receive_operation(detail::receive_stream* state) noexcept : state_(state), readable_(state) {}

    bool await_ready() const noexcept { return state_ == nullptr; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        return readable_.await_suspend(handle);
    }

    result<buffer> await_resume() noexcept {
        if (state_ == nullptr) return failure(EBADF);
        if (!readable_.await_resume()) return failure(std::errc::operation_canceled);
        return state_->take();
    }

private:
    detail::receive_stream* state_;
    stream_operation::readable readable_;
};

class [[nodiscard]] tcp_stream::readable_operation : public borrowing<readable_operation> {
public:
    explicit readable_operation(detail::receive_stream* state) noexcept : readable_(state) {}

    bool await_ready() const noexcept { return readable_.await_ready(); }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        return readable_.await_suspend(handle);
    }

    bool await_resume() noexcept { return readable_.await_resume(); }

private:
    stream_operation::readable readable_;
};

inline tcp_stream::readable_operation tcp_stream::readable() & noexcept { return readable_operation(state_.get()); }

inline tcp_stream::receive_operation tcp_stream::receive() & noexcept { return receive_operation(state_.get()); }

namespace detail {

/// The part of a send that does not depend on how its pieces are stored. The stream may be closed meanwhile: the
/// descriptor stays until the request has ended, which it soon does with an error.
class send_base : private stream_operation::held, public operation_base, public borrowing<send_base> {
public:
    bool await_ready() const noexcept { return stream_ == nullptr || remaining_ == 0; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle)) return false;
        if ((more_follows_ || loop::current().traffic().may_send_directly()) && is_over_directly()) {
            end_wait();
            return false;
        }
        submit();
        return true;
    }

    result<void> await_resume() const noexcept {
        if (stream_ == nullptr) return failure(EBADF);
        if (remaining_ == 0) return {};
        return failure(outcome() < 0 ? -outcome() : ECANCELED);
    }

protected:
    explicit send_base(receive_stream* stream, bool more_follows = false) noexcept
        : held(stream), stream_(stream), more_follows_(more_follows) {}

    void set_pieces(std::span<iovec> pieces) noexcept;

private:
    void submit() override;
    bool unfinished(int outcome) noexcept override;
    bool is_over_directly() noexcept;
    void sent(std::size_t size) noexcept;

    receive_stream* stream_;
    bool more_follows_;
    std::size_t remaining_ = 0;
    std::span<iovec> pieces_;
    msghdr message_{};
};

/// What getsockname(2) or getpeername(2) says of a socket.
using address_query = int (*)(int, sockaddr*, unsigned*) noexcept;
result<endpoint> ask_endpoint(address_query query, int fd) noexcept;

inline iovec piece_of(std::string_view bytes) noexcept { return {const_cast<char*>(bytes.data()), bytes.size()}; }

} // namespace detail

template <std::size_t Pieces>
class [[nodiscard]] tcp_stream::send_operation final : public detail::send_base {
public:
    send_operation(detail::receive_stream* stream, const std::array<iovec, Pieces>& pieces) noexcept
        : send_base(stream), pieces_(pieces) {
        set_pieces(pieces_);
    }

private:
    std::array<iovec, Pieces> pieces_;
};

template <>
class [[nodiscard]] tcp_stream::send_operation<0> final : public detail::send_base {
public:
    send_operation(detail::receive_stream* stream, std::span<iovec> pieces, bool more_follows = false) noexcept
        : send_base(stream, more_follows) {
        set_pieces(pieces);
    }
};

inline tcp_stream::send_operation<1> tcp_stream::send(std::string_view bytes) & noexcept {
    return {state_.get(), std::array{detail::piece_of(bytes)}};
}

inline tcp_stream::send_operation<1> tcp_stream::send(std::span<const std::byte> bytes) & noexcept {
    return send(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

template <class... Rest>
    requires(std::is_convertible_v<Rest, std::string_view> && ...)
tcp_stream::send_operation<2 + sizeof...(Rest)> tcp_stream::send(std::string_view first, std::string_view second,
                                                                 const Rest&... rest) & noexcept {
    return {state_.get(), std::array{detail::piece_of(first), detail::piece_of(second), detail::piece_of(rest)...}};
}

inline tcp_stream::send_operation<0> tcp_stream::send(std::span<iovec> pieces) & noexcept {
    return {state_.get(), pieces};
}

inline tcp_stream::send_operation<0> tcp_stream::send_before_more(std::span<iovec> pieces) & noexcept {
    return {state_.get(), pieces, true};
}

/// Connects to one address; `limit` bounds the wait (the kernel's own is about two minutes, tcp(7)).
task<result<tcp_stream>> connect(endpoint where, std::chrono::milliseconds limit = std::chrono::seconds(10));

/// The same to `host`, a name or a numeric address, with the defaults of `connect_options` (net/connect.hpp), where the
/// rest is told.
task<result<tcp_stream>> connect(std::string host, std::uint16_t port,
                                 std::chrono::milliseconds limit = std::chrono::seconds(10));

} // namespace tuyau
