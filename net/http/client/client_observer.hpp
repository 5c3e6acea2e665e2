#pragma once

#include <string_view>

#include <tuyau/net/http/client/connector.hpp>
#include <tuyau/net/http/response_parser.hpp>

namespace tuyau::http {

/// Is told what a client does for one request, as it happens, on the loop's thread. What it is given is valid during the
/// call. The response that counts is not among it: that is given to who asked.
class client_observer {
public:
    virtual ~client_observer() = default;

    /// A connection is there, new or reused.
    virtual void connected(const connection_info&) {}

    /// A head is about to be sent: the request's, or that of a CONNECT to a proxy.
    virtual void sending(std::string_view /*head*/) {}

    /// An interim response (RFC 9110, section 15.2) has come, or a proxy's answer to a CONNECT.
    virtual void interim(const response_head&) {}

    /// This response is a redirect, which is followed.
    virtual void redirected(const response_head&, const url& /*to*/) {}

    /// The request is made again on a new connection, since an idle one turned out to be closed.
    virtual void retried(const client_error&) {}
};

} // namespace tuyau::http
