#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/http/client/connector.hpp>
#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

namespace detail {
class client_session;
}

/// The response to one request: its head, and its body while it arrives.
///
/// Move-only, and may outlive the client. Its views are valid as long as it is. One that is destroyed before its body was
/// read to the end closes its connection; read to the end, it has given it back.
class client_response {
public:
    explicit client_response(std::unique_ptr<detail::client_session> session) noexcept;
    client_response(client_response&&) noexcept;
    client_response& operator=(client_response&&) noexcept;
    ~client_response();

    const response_head& head() const noexcept;
    int status() const noexcept { return head().status; }
    std::span<const field> fields() const noexcept { return head().fields; }

    /// The value of the first field of that name, in any case; empty when there is none.
    std::string_view value_of(std::string_view name) const noexcept { return head().value_of(name); }

    /// The next piece of the body, valid until the next call; empty at its end. After an error there is nothing more.
    task<client_result<std::string_view>> read();

    /// All of the body that was not read yet; past `most` bytes an error.
    task<client_result<std::string>> read_all(std::size_t most);

    /// The size of the body as it comes over the connection, where the head tells it.
    std::optional<std::uint64_t> body_size() const noexcept;

    /// Bytes of body that have come over the connection.
    std::uint64_t body_received() const noexcept;

    /// The fields behind a chunked body, once it was read to its end, and their lines as they came.
    std::span<const field> trailers() const noexcept;
    std::string_view trailer_text() const noexcept;

    /// Where it came from, after all redirects, and how many there were.
    const url& where() const noexcept;
    unsigned redirects() const noexcept;

    /// The connection that it comes over.
    const connection_info& connection() const noexcept;

    /// When the request was begun, when the one that counts was sent, and when the response to that began.
    struct times {
        std::chrono::steady_clock::time_point begun;
        std::chrono::steady_clock::time_point sent;
        std::chrono::steady_clock::time_point first_byte;
    };
    times when() const noexcept;

private:
    std::unique_ptr<detail::client_session> session_;
};

} // namespace tuyau::http
