#include "connector.hpp"

#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/net/unix_stream.hpp>
#include <tuyau/runtime/system.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

using tuyau::http::any_stream;
using tuyau::http::client_error;
using tuyau::http::client_result;
using tuyau::http::connection_info;

constexpr std::chrono::hours no_limit(24); // the client sets one

client_error not_connected(std::error_code error, std::string peer) {
    const bool cancelled = tuyau::is_cancelled(error);
    return {cancelled ? client_error::kind::cancelled : client_error::kind::not_connected,
            client_error::stage::connecting,
            std::move(peer),
            0,
            error,
            error.message()};
}

void try_settings(const tuyau::tls_client_options& settings, exit_code code) {
    try {
        (void)tuyau::tls_context::client(settings);
    } catch (const std::system_error& unusable) {
        throw failure(code, unusable.what());
    }
}

} // namespace

tuyau::tls_client_options client_settings(const tls_options& options) {
    tuyau::tls_client_options settings;
    settings.verify = !options.insecure;
    settings.ca_file = options.ca_file;
    settings.ca_folder = options.ca_folder;
    settings.crl_file = options.crl_file;
    settings.certificate_file = options.certificate;
    settings.key_file = options.key;
    if (options.only_1_3) settings.least = tuyau::tls_version::tls1_3;
    return settings;
}

void check_files(const tls_options& options) {
    tuyau::tls_client_options settings = client_settings(options);
    settings.certificate_file = settings.key_file = {};
    if (!options.ca_file.empty() || !options.ca_folder.empty() || !options.crl_file.empty())
        try_settings(settings, exit_code::authorities_unreadable);
    if (options.certificate.empty()) return;
    settings = client_settings(options);
    settings.verify = false; // whom to trust is another matter
    try_settings(settings, exit_code::own_certificate);
}

chosen_connector::chosen_connector(const connection_options& options, const tls_options& tls)
    : network_connector(client_settings(tls)), rules_(options.network), unix_socket_(options.unix_socket) {}

tuyau::task<client_result<any_stream>> chosen_connector::open(std::string host, std::uint16_t port,
                                                              connection_info& info) {
    if (!unix_socket_.empty()) co_return co_await open_unix(info);
    tuyau::connect_options how = rules_.for_connecting(no_limit);
    auto addresses = co_await tuyau::resolve(host, port, tuyau::resolve_options{how.family, how.overrides});
    if (!addresses) {
        client_error error = not_connected(addresses.error(), host);
        error.where = client_error::stage::resolving;
        if (addresses.error().category() == tuyau::resolve_category()) error.what = client_error::kind::not_resolved;
        co_return tl::unexpected(std::move(error));
    }
    info.resolved = tuyau::system::now();
    tuyau::host_table known; // not to be looked up again
    known.add(host, port, std::move(*addresses));
    how.overrides = &known;
    auto stream = co_await tuyau::connect(host, port, how);
    if (!stream) co_return tl::unexpected(not_connected(stream.error(), tuyau::http::peer_name(host, port)));
    info.connected = tuyau::system::now();
    if (auto end = stream->local_endpoint()) info.local = *end;
    if (auto end = stream->peer_endpoint()) info.remote = *end;
    co_return any_stream::over(std::move(*stream));
}

tuyau::task<client_result<any_stream>> chosen_connector::open_unix(connection_info& info) {
    auto where = tuyau::unix_address::path(unix_socket_);
    if (!where) co_return tl::unexpected(not_connected(where.error(), unix_socket_));
    auto stream = co_await tuyau::connect(*where, no_limit);
    if (!stream) co_return tl::unexpected(not_connected(stream.error(), unix_socket_));
    info.connected = tuyau::system::now();
    co_return any_stream::over(std::move(*stream));
}

} // namespace uring_client
