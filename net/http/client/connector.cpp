#include <tuyau/net/http/client/connector.hpp>

#include <chrono>

#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/net/tls/tls_stream.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau::http {
namespace {

client_error not_connected(std::error_code error, const std::string& host, std::uint16_t port) {
    using kind = client_error::kind;
    using stage = client_error::stage;
    if (is_cancelled(error)) return {kind::cancelled, stage::connecting, peer_name(host, port), 0, error, "stopped"};
    if (error.category() == resolve_category())
        return {kind::not_resolved, stage::resolving, host, 0, error, error.message()};
    return {kind::not_connected, stage::connecting, peer_name(host, port), 0, error, error.message()};
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
    constexpr std::chrono::hours no_limit(24); // it is the client's to set
    auto stream = co_await connect(host, port, no_limit);
    if (!stream) co_return tl::unexpected(not_connected(stream.error(), host, port));
    info.connected = system::now();
    if (auto end = stream->local_endpoint()) info.local = *end;
    if (auto end = stream->peer_endpoint()) info.remote = *end;
    co_return any_stream::over(std::move(*stream));
}

task<client_result<any_stream>> network_connector::secure(any_stream stream, std::string host, std::uint16_t port,
                                                          connection_info& info) {
    client_error error{client_error::kind::tls_failed, client_error::stage::securing, peer_name(host, port), 0, {}, {}};
    if (!context_) {
        try {
            if (tls_.protocols.empty()) tls_.protocols = {"http/1.1"};
            context_ = tls_context::client(tls_);
        } catch (const std::system_error& unreadable) {
            error.code = unreadable.code();
            error.text = unreadable.what();
        }
        if (!context_) co_return tl::unexpected(std::move(error));
    }
    tls_stream<any_stream> secured(std::move(stream), *context_, host);
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
