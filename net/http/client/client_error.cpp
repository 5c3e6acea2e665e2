#include <tuyau/net/http/client/client_error.hpp>

#include <fmt/format.h>

namespace tuyau::http {

std::string_view name_of(client_error::stage stage) noexcept {
    switch (stage) {
    case client_error::stage::preparing: return "preparing the request";
    case client_error::stage::queueing: return "waiting for a free connection";
    case client_error::stage::resolving: return "resolving the name";
    case client_error::stage::connecting: return "connecting";
    case client_error::stage::securing: return "the TLS handshake";
    case client_error::stage::tunnelling: return "asking the proxy for a tunnel";
    case client_error::stage::sending: return "sending the request";
    case client_error::stage::waiting: return "waiting for the response";
    case client_error::stage::head: return "receiving the head of the response";
    case client_error::stage::body: return "receiving the body of the response";
    }
    return "";
}

std::string peer_name(std::string_view host, std::uint16_t port) {
    const bool bare_ipv6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
    return bare_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string client_error::message() const {
    const std::string whom = is_proxy ? fmt::format("the proxy {}", peer) : peer;
    switch (what) {
    case kind::cancelled: return fmt::format("stopped while {} ({})", name_of(where), whom);
    case kind::timed_out: return fmt::format("{} took too long in {}: {}", whom, name_of(where), text);
    case kind::bad_url:
    case kind::unsupported_scheme:
    case kind::bad_request:
    case kind::body_not_read:
    case kind::too_many_redirects:
    case kind::not_repeatable: return text;
    case kind::not_resolved:
        return fmt::format("cannot resolve {}'{}': {}", is_proxy ? "the name of the proxy, " : "", peer, text);
    case kind::not_connected: return fmt::format("cannot connect to {}: {}", whom, text);
    case kind::tls_failed: return fmt::format("no TLS with {}: {}", whom, text);
    case kind::proxy_refused: return fmt::format("{} makes no tunnel: {}", whom, text);
    case kind::send_failed: return fmt::format("cannot send the request to {}: {}", whom, text);
    case kind::receive_failed: return fmt::format("cannot receive from {}: {} after {} bytes", whom, text, offset);
    case kind::empty: return fmt::format("empty reply from {}: {}", whom, text);
    case kind::cut_short: return fmt::format("the response from {} was cut short at byte {}: {}", whom, offset, text);
    case kind::malformed:
    case kind::too_large:
    case kind::unsupported: return fmt::format("bad response from {} at byte {}: {}", whom, offset, text);
    case kind::bad_redirect: return fmt::format("bad redirect from {}: {}", whom, text);
    case kind::bad_coding:
        return fmt::format("the body from {} cannot be decompressed at byte {}: {}", whom, offset, text);
    }
    return text;
}

} // namespace tuyau::http
