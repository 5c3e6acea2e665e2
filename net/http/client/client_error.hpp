#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <tl/expected.hpp>

#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/net/http/url.hpp>

namespace tuyau::http {

/// Why a request got no whole response.
struct client_error {
    enum class kind {
        cancelled,          ///< the awaiting task was asked to stop
        timed_out,          ///< one of the client's time limits passed
        bad_url,            ///< malformed
        unsupported_scheme, ///< of the URL, or of a proxy's
        bad_request,        ///< a method, field or body that cannot be sent as asked
        not_resolved,       ///< no address for the name of the server, or of the proxy
        not_connected,
        tls_failed,    ///< the handshake, or the certificate
        proxy_refused, ///< the proxy answered, and made no tunnel
        send_failed,
        body_not_read,  ///< the source of the request's body failed
        receive_failed, ///< the connection broke
        empty,          ///< the connection ended before a response began
        cut_short,      ///< it ended inside the response
        malformed,      ///< the response is no HTTP, or breaks its rules
        too_large,      ///< the response is past one of the limits
        unsupported,    ///< well-formed, and not understood here
        too_many_redirects,
        bad_redirect,   ///< it leads to no URL, to another scheme, or from https to http
        not_repeatable, ///< the request's body would have to be sent again, and cannot be
        bad_coding,     ///< what was compressed is corrupt, or ends too soon
    };

    /// How far the request had come.
    enum class stage { preparing, queueing, resolving, connecting, securing, tunnelling, sending, waiting, head, body };

    kind what = kind::cancelled;
    stage where = stage::preparing;
    std::string peer;         ///< `host:port` of whom it was about, the proxy's if it was about the proxy
    std::uint64_t offset = 0; ///< of the byte of the response that is wrong or missing; bytes of it that had come
    std::error_code code;     ///< what the system said, where it said something
    std::string text;         ///< what was wrong, in words
    bool is_proxy = false;    ///< the peer is a proxy, not the server itself

    /// One line for a person: what failed, with whom, and why.
    std::string message() const;
};

/// As a phrase: "connecting", "waiting for the response".
std::string_view name_of(client_error::stage stage) noexcept;

/// `host:port` for people to read, brackets around IPv6.
std::string peer_name(std::string_view host, std::uint16_t port);

/// A value, or why there is none. `value()` of an error throws `std::runtime_error` with its message, or, for a task that
/// was asked to stop, `std::system_error` as other results do.
template <class T>
class client_result : public tl::expected<T, client_error> {
    using base = tl::expected<T, client_error>;

public:
    using base::base;

    decltype(auto) value() & {
        check();
        if constexpr (!std::is_void_v<T>) return **this;
    }
    T value() && {
        check();
        if constexpr (!std::is_void_v<T>) return std::move(**this);
    }

private:
    void check() const {
        if (this->has_value()) return;
        if (this->error().what == client_error::kind::cancelled)
            throw std::system_error(std::make_error_code(std::errc::operation_canceled));
        throw std::runtime_error(this->error().message());
    }
};

} // namespace tuyau::http
