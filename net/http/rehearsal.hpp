#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/uio.h>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/server_limits.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// A connection without a socket, for tests: its client has said all that it will ever say, and takes whatever it gets.
class rehearsal_stream {
public:
    /// `requests` come in pieces of so many bytes, as a network may cut them. What is answered is appended to `answers`,
    /// which must outlive the stream.
    rehearsal_stream(std::string requests, std::size_t piece_size, std::string& answers)
        : requests_(std::move(requests)), piece_size_(piece_size), answers_(&answers) {}

    /// What is there at once.
    template <class T>
    struct ready {
        T value;
        bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        T await_resume() { return std::move(value); }
    };

    /// Bytes of their own, so that a sanitizer sees who looks at them too late.
    class piece {
    public:
        piece() noexcept = default;
        explicit piece(std::string_view bytes) : bytes_(std::make_unique<char[]>(bytes.size())), size_(bytes.size()) {
            bytes.copy(bytes_.get(), size_);
        }
        std::string_view text() const noexcept { return {bytes_.get(), size_}; }

    private:
        std::unique_ptr<char[]> bytes_;
        std::size_t size_ = 0;
    };

    ready<bool> readable() const noexcept { return {true}; }

    ready<result<piece>> receive() {
        const std::string_view next = std::string_view(requests_).substr(received_, piece_size_);
        received_ += next.size();
        return {piece(next)};
    }

    ready<result<void>> send(std::span<iovec> pieces) {
        for (const iovec& each : pieces) answers_->append(static_cast<const char*>(each.iov_base), each.iov_len);
        return {{}};
    }

    result<void> shutdown_send() const noexcept { return {}; }

private:
    std::string requests_;
    std::size_t piece_size_;
    std::size_t received_ = 0;
    std::string* answers_;
};

/// What a server with this handler answers to `requests`, the bytes of one or several, to the last byte: for tests of
/// handlers. It needs a loop, and no socket. The requests come in pieces of `piece_size` bytes.
///
///     std::string answer;
///     loop here;
///     here.run([&]() -> task<> { answer = co_await http::rehearse(greet, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); }());
task<std::string> rehearse(handler answer, std::string requests, server_limits limits = {},
                           std::size_t piece_size = std::string::npos);

} // namespace tuyau::http
