#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <tuyau/net/http/client/content_decoder.hpp>
#include <tuyau/net/http/client/proxy_settings.hpp>
#include <tuyau/net/http/response_parser.hpp>

namespace tuyau::http {

/// What a client may do by itself, and its bounds. A time of zero is no limit.
struct client_options {
    std::size_t connections = 100; ///< at a time; those in use at most, and with them the idle ones that are kept
    std::size_t connections_per_host = 6; ///< in use at a time, as browsers have it; past it requests wait their turn
    std::chrono::milliseconds idle_time = std::chrono::seconds(60); ///< an idle connection is kept

    std::chrono::milliseconds connect_time = std::chrono::seconds(30); ///< for name, connection, tunnel and TLS
    std::chrono::milliseconds stall_time = std::chrono::minutes(5);    ///< without a byte in either direction
    std::chrono::milliseconds whole_time{};                            ///< for all of a request, redirects included
    std::chrono::milliseconds continue_time =
        std::chrono::seconds(1); ///< for the server to want the body; as with curl

    unsigned redirects = 20;      ///< that are followed; 0: none, and a redirect is a response like any other
    bool allow_downgrade = false; ///< a redirect may lead from https to http

    bool decompress = true; ///< say so with Accept-Encoding, and undo gzip, deflate, br and zstd
    decoding_limits decoding;

    proxy_settings proxies = proxy_settings::from_environment();

    std::string user_agent = "tuyau"; ///< empty: none is sent
    response_limits response;
};

} // namespace tuyau::http
