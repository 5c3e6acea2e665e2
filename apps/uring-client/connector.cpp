#include "connector.hpp"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/unix_address.hpp>

#include "connection.hpp"
#include "failure.hpp"

namespace uring_client {
namespace {

void try_settings(const tuyau::tls_client_options& settings, exit_code code) {
    try {
        (void)tuyau::tls_context::client(settings);
    } catch (const std::system_error& unusable) {
        throw failure(code, unusable.what());
    }
}

tuyau::tls_client_options proxy_settings(const connection_options& options) {
    tuyau::tls_client_options settings;
    settings.verify = !options.proxy_insecure;
    settings.ca_file = options.proxy_ca_file;
    return settings;
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

void check_proxy_files(const connection_options& options) {
    if (!options.proxy_ca_file.empty()) try_settings(proxy_settings(options), exit_code::authorities_unreadable);
}

std::shared_ptr<tuyau::http::connector> make_connector(const connection_options& options, const tls_options& tls) {
    const name_rules rules(options.network);
    tuyau::http::network_options how;
    how.family = rules.family();
    how.addresses = rules.told();
    how.proxy_tls = proxy_settings(options);
    if (!options.unix_socket.empty()) {
        auto where = tuyau::unix_address::path(options.unix_socket);
        if (!where)
            throw failure(exit_code::usage,
                          fmt::format("--unix-socket: '{}': {}", options.unix_socket, where.error().message()));
        how.unix_socket = *where;
    }
    return std::make_shared<tuyau::http::network_connector>(client_settings(tls), std::move(how));
}

} // namespace uring_client
