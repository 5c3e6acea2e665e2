#pragma once

#include <string_view>

#include <tuyau/net/http/client/any_stream.hpp>
#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/http/client/client_observer.hpp>
#include <tuyau/net/http/client/client_options.hpp>
#include <tuyau/net/http/url.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http::detail {

/// What a proxy is asked by a CONNECT (RFC 9110, section 9.3.6).
struct tunnel_request {
    const url& to;
    const url& proxy;
    std::string_view authorization; // empty: by the proxy's URL
    const client_options& options;
    client_observer* observer;
};

/// Has the proxy at the other end of `stream` make a tunnel.
task<client_result<any_stream>> open_tunnel(any_stream stream, tunnel_request asked);

} // namespace tuyau::http::detail
