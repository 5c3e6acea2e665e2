#pragma once

#include <memory>

#include <tuyau/net/http/client/connector.hpp>
#include <tuyau/net/tls/tls_context.hpp>

#include "options_connection.hpp"

namespace uring_client {

/// What TLS asks of servers, as the options have it.
tuyau::tls_client_options client_settings(const tls_options& options);

/// Throws the failure that names the file of `options` which cannot be used. Reads nothing when they name none.
void check_files(const tls_options& options);

/// The same for https proxies.
void check_proxy_files(const connection_options& options);

/// What makes the connections of a client as the options have it: by --resolve, -4 and -6, or to a Unix socket. Throws a
/// usage failure.
std::shared_ptr<tuyau::http::connector> make_connector(const connection_options& options, const tls_options& tls);

} // namespace uring_client
