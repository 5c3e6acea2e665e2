#include <tuyau/net/http/client/connector.hpp>

#include <chrono>

#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/net/tls/tls_stream.hpp>
#include <tuyau/net/unix_stream.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau::http {
namespace {

using kind = client_error::kind;
using stage = client_error::stage;

constexpr std::chrono::hours no_limit(24); // it is the client's to set

client_error failed(kind what, std::string peer, const connection_info& info, std::error_code error) {
    if (is_cancelled(error)) return {kind::cancelled, info.stage, std::move(peer), 0, error, "stopped"};
    return {what, info.stage, std::move(peer), 0, error, error.message()};
}

} // namespace

task<client_result<any_stream>> connector::secure(any_stream, std::string host, std::uint16_t port, connection_info&) {
    co_return tl::unexpected(client_error{client_error::kind::unsupported_scheme,
                                          client_error::stage::securing,
                                          peer_name(host, port),
                                          0,
                                          {},
                                          "https is not supported: this client has no TLS"});
}

task<client_result<any_stream>> network_connector::open(std::string host, std::uint16_t port, connection_info& info) {
    if (how_.unix_socket) co_return co_await open_unix(*how_.unix_socket, info);
    info.stage = stage::resolving;
    auto addresses = co_await resolve(host, port, {how_.family, &how_.addresses});
    if (!addresses) {
        const std::error_code why = addresses.error();
        // Other errors are about this machine, and not about the name.
        const kind what = why.category() == resolve_category() ? kind::not_resolved : kind::not_connected;
        co_return tl::unexpected(failed(what, std::move(host), info, why));
    }
    info.resolved = system::now();
    info.stage = stage::connecting;
    connect_options how;
    how.limit = no_limit;
    how.attempt_delay = how_.attempt_delay;
    auto stream = co_await connect(std::move(*addresses), how);
    if (!stream) co_return tl::unexpected(failed(kind::not_connected, peer_name(host, port), info, stream.error()));
    info.connected = system::now();
    if (auto end = stream->local_endpoint()) info.local = *end;
    if (auto end = stream->peer_endpoint()) info.remote = *end;
    co_return any_stream::over(std::move(*stream));
}

task<client_result<any_stream>> network_connector::open_unix(unix_address where, connection_info& info) {
    info.stage = stage::connecting;
    info.peer = where.to_string();
    auto stream = co_await connect(where, no_limit);
    if (!stream) co_return tl::unexpected(failed(kind::not_connected, info.peer, info, stream.error()));
    info.connected = system::now();
    co_return any_stream::over(std::move(*stream));
}

task<client_result<any_stream>> network_connector::secure(any_stream stream, std::string host, std::uint16_t port,
                                                          connection_info& info) {
    return shake_hands(with_servers_, std::move(stream), std::move(host), port, info);
}

task<client_result<any_stream>> network_connector::secure_proxy(any_stream stream, std::string host, std::uint16_t port,
                                                                connection_info& info) {
    return shake_hands(with_proxies_, std::move(stream), std::move(host), port, info);
}

task<client_result<any_stream>> network_connector::shake_hands(lazy_context& by, any_stream stream, std::string host,
                                                               std::uint16_t port, connection_info& info) {
    client_error error{client_error::kind::tls_failed, client_error::stage::securing, peer_name(host, port), 0, {}, {}};
    if (!by.made) {
        try {
            if (by.options.protocols.empty()) by.options.protocols = {"http/1.1"};
            by.made = tls_context::client(by.options);
        } catch (const std::system_error& unreadable) {
            error.code = unreadable.code();
            error.text = unreadable.what();
        }
        if (!by.made) co_return tl::unexpected(std::move(error));
    }
    tls_stream<any_stream> secured(std::move(stream), *by.made, host);
    auto shaken = co_await secured.handshake();
    if (!shaken) {
        error.code = shaken.error();
        error.text = secured.explanation();
        if (error.text.empty()) error.text = shaken.error().message();
        if (is_cancelled(shaken.error())) error.what = client_error::kind::cancelled;
        co_return tl::unexpected(std::move(error));
    }
    info.secured = system::now();
    info.security = std::string(secured.version()) + ' ' + std::string(secured.cipher());
    co_return any_stream::over(std::move(secured));
}

} // namespace tuyau::http
