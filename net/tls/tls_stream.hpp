#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <sys/uio.h>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/net/tls/certificate.hpp>
#include <tuyau/net/tls/connection.hpp>
#include <tuyau/net/tls/tls_buffer.hpp>
#include <tuyau/net/tls/tls_context.hpp>
#include <tuyau/net/tls/tls_error.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// A TLS connection over another stream, used as a `tcp_stream` is once `handshake` is done.
///
/// Move-only; used on the thread of its loop. At most one coroutine receives and at most one sends at a time, and the two
/// may be different: what TLS itself has to send for a receiver, or to read for a sender, is seen to inside. Destroying it
/// closes the connection without the end of TLS, which the peer takes for a connection cut short: `shutdown_send` first, or
/// `close_in_order`. Any wait may be stopped or destroyed. Nothing is lost by a receive that is stopped; a send that is
/// stopped may have sent a part, and the next one goes on behind that.
template <byte_stream Stream = tcp_stream>
class tls_stream {
public:
    tls_stream() noexcept = default;

    /// Of the context's end. A client says whom it wants to talk to: the name or address that the certificate must be for,
    /// which is asked for by name (SNI) unless it is an address. Throws `std::bad_alloc`.
    tls_stream(Stream transport, const tls_context& context, std::string_view host = {})
        : state_(std::make_shared<connection>(std::move(transport), context, host)) {}

    tls_stream(tls_stream&&) noexcept = default;
    tls_stream& operator=(tls_stream&& other) noexcept {
        if (this == &other) return *this;
        close();
        state_ = std::move(other.state_);
        return *this;
    }
    ~tls_stream() { close(); }

    bool is_open() const noexcept { return state_ != nullptr; }

    /// Agrees with the peer on keys, and verifies who it is. To be awaited before all else; bound it with `with_deadline`.
    /// Errors are of `tls_category()`, in detail by `explanation`, or the transport's.
    task<result<void>> handshake() &;

    /// The bytes that come next, decrypted; none at the end of the stream, which the peer has said to be one (close_notify).
    /// An end that it has not is the error `tls_errc::truncated`.
    task<result<tls_buffer>> receive() &;

    /// Decrypts into the caller's memory: how many bytes, 0 at the end of the stream. An empty `space` is an
    /// `invalid_argument`.
    task<result<std::size_t>> receive(std::span<std::byte> space) &;

    /// Waits until `receive` has something at once, be it the end of the stream or an error, and takes nothing. False when
    /// the awaiting task was asked to stop.
    task<bool> readable() &;

    /// Sends all of `bytes`, which must live until the task has finished.
    task<result<void>> send(std::string_view bytes) &;
    task<result<void>> send(std::span<const std::byte> bytes) &;

    /// Sends several pieces one after another, which share records.
    template <class... Rest>
    requires(std::is_convertible_v<Rest, std::string_view>&&...) task<result<void>> send(std::string_view first,
                                                                                         std::string_view second,
                                                                                         const Rest&... rest)
    &{
        return send_pieces(state_,
                           std::array{detail::piece_of(first), detail::piece_of(second), detail::piece_of(rest)...});
    }

    /// The same for a number of pieces that is known at run time. They are moved on as they are encrypted.
    task<result<void>> send(std::span<iovec> pieces) &;

    /// Tells the peer that all has been said (close_notify); receiving goes on, and the transport stays open. Sending after
    /// it is `EPIPE`.
    task<result<void>> shutdown_send() &;

    /// Whether nothing has come but what TLS says by itself (tickets for later sessions, new keys), which is read: for a
    /// stream that nobody uses, before it is used again. Waits for nothing.
    task<bool> is_quiet() &;

    /// Closes with the end of TLS, if the transport takes that without waiting: for a stream that nobody uses.
    void close_in_order() noexcept {
        if (state_) state_->end_now();
        close();
    }

    /// Breaks the connection off, both directions at once, without the end of TLS: who waits in another coroutine is woken.
    void abort() noexcept {
        if (state_) state_->transport.abort();
    }

    void close() noexcept {
        if (!state_) return;
        if constexpr (requires(Stream & stream) { stream.close(); }) state_->transport.close();
        state_.reset();
    }

    /// The last error in words: "the certificate of example.org expired on 2026-11-25 22:53:06 UTC". Empty when there was none of TLS's.
    std::string explanation() const { return state_ ? state_->engine.failure().text : std::string(); }

    /// What both have agreed on, after the handshake.
    std::string_view protocol() const noexcept {
        return state_ ? state_->engine.protocol() : "";
    }                                                                                            ///< by ALPN; or empty
    std::string_view version() const noexcept { return state_ ? state_->engine.version() : ""; } ///< as in `TLSv1.3`
    std::string_view cipher() const noexcept { return state_ ? state_->engine.cipher() : ""; }

    /// The name that the client asked for, without the dot at its end; empty when it asked for none.
    std::string_view server_name() const noexcept { return state_ ? state_->engine.server_name() : ""; }

    /// Whether a session of before was resumed, which spares certificates and their verification.
    bool session_reused() const noexcept { return state_ && state_->engine.session_reused(); }

    /// What the peer has shown, also when it was not accepted; a client that was not asked shows none.
    std::optional<tls_certificate> peer_certificate() const {
        return state_ ? state_->engine.peer_certificate() : std::nullopt;
    }

    /// As the transport has them, if it does.
    auto local_endpoint() const requires requires(const Stream& stream) { stream.local_endpoint(); }
    { return state_ ? state_->transport.local_endpoint() : failure(EBADF); }
    auto peer_endpoint() const requires requires(const Stream& stream) { stream.peer_endpoint(); }
    { return state_ ? state_->transport.peer_endpoint() : failure(EBADF); }

    /// The stream below, to be asked (for its addresses), not to be used. Only while this one is open.
    const Stream& transport() const noexcept { return state_->transport; }

private:
    using connection = detail::tls_connection<Stream>;
    using shared = std::shared_ptr<connection>;

    template <std::size_t Pieces>
    static task<result<void>> send_pieces(shared self, std::array<iovec, Pieces> pieces) {
        if (!self) co_return failure(EBADF);
        auto sent = co_await self->send(pieces);
        co_return sent;
    }

    shared state_; // of each task that uses it too: it may be closed meanwhile
};

template <byte_stream Stream>
task<result<void>> tls_stream<Stream>::handshake() & {
    const shared self = state_;
    if (!self) co_return failure(EBADF);
    auto done = co_await self->handshake();
    co_return done;
}

template <byte_stream Stream>
task<result<tls_buffer>> tls_stream<Stream>::receive() & {
    const shared self = state_;
    if (!self) co_return failure(EBADF);
    tls_buffer plain;
    const auto read = [&plain](detail::tls_engine& engine) { return engine.read(plain); };
    auto received = co_await self->receive(read);
    if (!received) co_return failure(received.error());
    co_return plain;
}

template <byte_stream Stream>
task<result<std::size_t>> tls_stream<Stream>::receive(std::span<std::byte> space) & {
    const shared self = state_;
    if (!self) co_return failure(EBADF);
    if (space.empty()) co_return failure(std::errc::invalid_argument);
    std::size_t size = 0;
    const auto read = [space, &size](detail::tls_engine& engine) { return engine.read(space, size); };
    auto received = co_await self->receive(read);
    if (!received) co_return failure(received.error());
    co_return size;
}

template <byte_stream Stream>
task<bool> tls_stream<Stream>::readable() & {
    const shared self = state_;
    if (!self) co_return true;
    const auto look = [](detail::tls_engine& engine) { return engine.look(); };
    auto there = co_await self->receive(look, true);
    co_return there || !is_cancelled(there.error());
}

template <byte_stream Stream>
task<result<void>> tls_stream<Stream>::send(std::string_view bytes) & {
    return send_pieces(state_, std::array{detail::piece_of(bytes)});
}

template <byte_stream Stream>
task<result<void>> tls_stream<Stream>::send(std::span<const std::byte> bytes) & {
    return send(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

template <byte_stream Stream>
task<result<void>> tls_stream<Stream>::send(std::span<iovec> pieces) & {
    const shared self = state_;
    if (!self) co_return failure(EBADF);
    auto sent = co_await self->send(pieces);
    co_return sent;
}

template <byte_stream Stream>
task<bool> tls_stream<Stream>::is_quiet() & {
    const shared self = state_;
    if (!self) co_return false;
    bool quiet = co_await self->is_quiet();
    co_return quiet;
}

template <byte_stream Stream>
task<result<void>> tls_stream<Stream>::shutdown_send() & {
    const shared self = state_;
    if (!self) co_return failure(EBADF);
    auto ended = co_await self->end_sending();
    co_return ended;
}

} // namespace tuyau
