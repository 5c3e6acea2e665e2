#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <sys/uio.h>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/runtime/buffers.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// A connection of any kind (TCP, TLS, a unix socket) behind one type: what a client speaks HTTP over. Its functions are
/// those of `tcp_stream`, each at the price of a virtual call and a pooled frame.
///
/// Move-only; used on the thread of its loop. Must stay where it is while somebody waits on it.
class any_stream {
public:
    any_stream() noexcept = default;

    template <byte_stream Stream>
    static any_stream over(Stream stream);

    bool is_open() const noexcept { return held_ != nullptr; }

    /// Into the caller's memory: how many bytes, 0 at the end of the stream.
    task<result<std::size_t>> receive(std::span<std::byte> space) { return held_->receive(space); }

    /// Sends all of `bytes`, which live until the await is over.
    task<result<void>> send(std::string_view bytes) { return held_->send(bytes); }

    /// Several pieces, one after another, in one request; their values are spent afterwards.
    task<result<void>> send(std::span<iovec> pieces) { return held_->send(pieces); }

    class lease;

    /// What comes next, leased until it is destroyed; empty at the end of the stream.
    task<result<lease>> receive() { return held_->receive(); }

    task<bool> readable() { return held_->readable(); }

    task<result<void>> shutdown_send() { return held_->shutdown_send(); }

    /// Wakes who waits on it, in another coroutine.
    void abort() noexcept { held_->abort(); }

    /// Whether it may be used for another request: nothing has come, and the peer has not closed it.
    task<bool> is_quiet() { return held_->is_quiet(); }

    /// What the socket takes without waiting; see `tcp_stream`. 0 of a stream that has no such thing.
    std::size_t send_now(std::string_view bytes) noexcept { return held_->send_now(bytes); }

    void close() noexcept { held_.reset(); }

    /// With what the kind of connection has to say at its end, if that can be said without waiting.
    void close_in_order() noexcept {
        if (held_) held_->close_in_order();
        held_.reset();
    }

private:
    class base : public frame_pool::pooled {
    public:
        virtual ~base() = default;
        virtual task<result<std::size_t>> receive(std::span<std::byte> space) = 0;
        virtual task<result<void>> send(std::string_view bytes) = 0;
        virtual task<result<void>> send(std::span<iovec> pieces) = 0;
        virtual task<result<lease>> receive() = 0;
        virtual task<bool> readable() = 0;
        virtual task<result<void>> shutdown_send() = 0;
        virtual void abort() noexcept = 0;
        virtual task<bool> is_quiet() = 0;
        virtual std::size_t send_now(std::string_view bytes) noexcept = 0;
        virtual void close_in_order() noexcept = 0;
    };

    template <byte_stream Stream>
    class holder;

    std::unique_ptr<base> held_;
};

/// A lease of some kind: the loop's own as it is, others behind a pointer.
class any_stream::lease {
public:
    explicit lease(buffer received) noexcept : buffer_(std::move(received)), text_(buffer_.text()) {}

    template <class Other>
    explicit lease(Other received) : other_(std::make_shared<Other>(std::move(received))) {
        text_ = static_cast<const Other*>(other_.get())->text();
    }

    std::string_view text() const noexcept { return text_; }

private:
    buffer buffer_;
    std::shared_ptr<void> other_;
    std::string_view text_;
};

template <byte_stream Stream>
class any_stream::holder final : public base {
public:
    explicit holder(Stream stream) : stream_(std::move(stream)) {}

    task<result<std::size_t>> receive(std::span<std::byte> space) override {
        if constexpr (requires {
                          { stream_.receive(space) } -> std::same_as<task<result<std::size_t>>>;
                      })
            return stream_.receive(space);
        else
            return copy_received(space);
    }

    task<result<void>> send(std::string_view bytes) override {
        if constexpr (requires { stream_.send(bytes); }) {
            co_return co_await stream_.send(bytes);
        } else {
            iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
            co_return co_await stream_.send(std::span(&piece, 1));
        }
    }

    task<result<void>> send(std::span<iovec> pieces) override { co_return co_await stream_.send(pieces); }

    task<result<lease>> receive() override {
        auto received = co_await stream_.receive();
        if (!received) co_return failure(received.error());
        co_return lease(std::move(*received));
    }

    task<bool> readable() override { co_return co_await stream_.readable(); }

    task<result<void>> shutdown_send() override { return tuyau::shutdown_send(stream_); }

    void abort() noexcept override {
        if constexpr (requires { stream_.abort(); }) stream_.abort();
    }

    task<bool> is_quiet() override { return tuyau::is_quiet(stream_); }

    std::size_t send_now(std::string_view bytes) noexcept override {
        if constexpr (requires { stream_.send_now(bytes); })
            return stream_.send_now(bytes);
        else
            return 0;
    }

    void close_in_order() noexcept override {
        if constexpr (requires { stream_.close_in_order(); }) stream_.close_in_order();
    }

private:
    task<result<std::size_t>> copy_received(std::span<std::byte> space) {
        if (rest_.empty()) {
            auto received = co_await stream_.receive();
            if (!received) co_return failure(received.error());
            leased_.emplace(std::move(*received));
            rest_ = leased_->text();
        }
        const std::size_t size = std::min(space.size(), rest_.size());
        if (size != 0) std::memcpy(space.data(), rest_.data(), size);
        rest_.remove_prefix(size);
        if (rest_.empty()) leased_.reset();
        co_return size;
    }

    Stream stream_;
    std::optional<tuyau::detail::received_by<Stream>> leased_;
    std::string_view rest_; // of what is leased
};

template <byte_stream Stream>
any_stream any_stream::over(Stream stream) {
    any_stream made;
    made.held_.reset(new holder<Stream>(std::move(stream)));
    return made;
}

static_assert(byte_stream<any_stream>);

} // namespace tuyau::http
