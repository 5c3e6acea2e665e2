#pragma once

#include <string>

#include <tuyau/net/http/client/connector.hpp>
#include <tuyau/net/tls/tls_context.hpp>

#include "connection.hpp"
#include "options_connection.hpp"

namespace uring_client {

/// What TLS asks of servers, as the options have it.
tuyau::tls_client_options client_settings(const tls_options& options);

/// Throws the failure that names the file of `options` which cannot be used. Reads nothing when they name none.
void check_files(const tls_options& options);

/// Makes the connections of a client as the options have it: by --resolve, -4 and -6, or to a Unix socket.
class chosen_connector final : public tuyau::http::network_connector {
public:
    chosen_connector(const connection_options& options, const tls_options& tls);

    tuyau::task<tuyau::http::client_result<tuyau::http::any_stream>> open(std::string host, std::uint16_t port,
                                                                          tuyau::http::connection_info& info) override;

private:
    tuyau::task<tuyau::http::client_result<tuyau::http::any_stream>> open_unix(tuyau::http::connection_info& info);

    name_rules rules_;
    std::string unix_socket_;
};

} // namespace uring_client
