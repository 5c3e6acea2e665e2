#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

struct connect_options {
    std::chrono::milliseconds limit = std::chrono::seconds(10); ///< for all of it, the look-up of the name included
    address_family family = address_family::any;
    const host_table* overrides = nullptr; ///< see `resolve_options`

    /// How long one attempt has before the next address is tried beside it: RFC 8305, section 5 recommends this.
    std::chrono::milliseconds attempt_delay{250};
};

/// Connects to `host`, a name or a numeric address, by Happy Eyeballs (RFC 8305): IPv6 and IPv4 addresses take turns in the
/// resolver's order, each attempt begins when the one before it has failed or has taken `attempt_delay`, the first that
/// succeeds is the connection, and the others are given up, their sockets closed, before this returns.
///
/// When all fail, the error is the one that tells most: a limit of this process before a refusal, a refusal before no
/// answer, that before no route. For a name that does not resolve it is of `resolve_category()`.
task<result<tcp_stream>> connect(std::string host, std::uint16_t port, connect_options options);

/// The same to the first of `addresses` that there is a way to, which are known already. None is an `invalid_argument`.
task<result<tcp_stream>> connect(std::vector<endpoint> addresses, connect_options options = {});

namespace detail {

/// The order of attempts: families in turn, each in the order given, the first one's first (RFC 8305, section 4).
std::vector<endpoint> interleaved(const std::vector<endpoint>& addresses);

} // namespace detail

} // namespace tuyau
