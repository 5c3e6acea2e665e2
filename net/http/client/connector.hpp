#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <tuyau/net/connect.hpp>
#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/host_table.hpp>
#include <tuyau/net/http/client/any_stream.hpp>
#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/tls/tls_context.hpp>
#include <tuyau/net/unix_address.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// What is known of a connection: told to observers, and kept with the response.
struct connection_info {
    using time_point = std::chrono::steady_clock::time_point;

    std::string peer; ///< `host:port` as it was asked for; the proxy's if there is one
    std::optional<endpoint> local;
    std::optional<endpoint> remote;
    std::string security;  ///< TLS in a few words, such as version and cipher; empty without
    bool reused = false;   ///< by this request
    time_point begun{};    ///< when it was begun to be made
    time_point resolved{}; ///< when the addresses were known; none where none were looked for
    time_point connected{};
    time_point secured{};                                        ///< none without TLS
    client_error::stage stage = client_error::stage::connecting; ///< what is being done, while it is made
};

/// Makes the connections of a client. Called on the loop's thread; its tasks are stopped when their time is over.
class connector {
public:
    virtual ~connector() = default;

    /// A connection to `host`, a name or a numeric address. Fills `info`, and says there what it is about, so that a
    /// failure can be told.
    virtual task<client_result<any_stream>> open(std::string host, std::uint16_t port, connection_info& info) = 0;

    /// TLS over `stream`, with `host` at its other end. Without an implementation https is an error.
    virtual task<client_result<any_stream>> secure(any_stream stream, std::string host, std::uint16_t port,
                                                   connection_info& info);

    /// The same with a proxy at the other end, where those are trusted by other rules than servers.
    virtual task<client_result<any_stream>> secure_proxy(any_stream stream, std::string host, std::uint16_t port,
                                                         connection_info& info) {
        return secure(std::move(stream), std::move(host), port, info);
    }

    /// Whether requests may go by way of a proxy, as the client's options have it.
    virtual bool allows_proxies() const noexcept { return true; }
};

/// How a `network_connector` finds its way.
struct network_options {
    address_family family = address_family::any;
    host_table addresses; ///< in the place of what the resolver would say, for proxies too

    /// Where all connections lead, whatever the URLs name; there are no proxies then.
    std::optional<unix_address> unix_socket;

    tls_client_options proxy_tls; ///< with https proxies: whom to trust there, and what to show

    std::chrono::milliseconds attempt_delay = connect_options().attempt_delay; ///< see there
};

/// By Happy Eyeballs over TCP, or to a Unix socket; and TLS where it is asked for, with servers as `tls` has it. The files
/// that are named there, or the system's store, are read when the first https is asked for, which blocks for that long.
class network_connector : public connector {
public:
    explicit network_connector(tls_client_options tls = {}, network_options how = {})
        : how_(std::move(how)), with_servers_{std::move(tls), {}}, with_proxies_{how_.proxy_tls, {}} {}

    task<client_result<any_stream>> open(std::string host, std::uint16_t port, connection_info& info) override;
    task<client_result<any_stream>> secure(any_stream stream, std::string host, std::uint16_t port,
                                           connection_info& info) override;
    task<client_result<any_stream>> secure_proxy(any_stream stream, std::string host, std::uint16_t port,
                                                 connection_info& info) override;
    bool allows_proxies() const noexcept override { return !how_.unix_socket; }

private:
    /// Made when it is first needed.
    struct lazy_context {
        tls_client_options options;
        std::optional<tls_context> made;
    };

    static task<client_result<any_stream>> open_unix(unix_address where, connection_info& info);
    static task<client_result<any_stream>> shake_hands(lazy_context& by, any_stream stream, std::string host,
                                                       std::uint16_t port, connection_info& info);

    network_options how_;
    lazy_context with_servers_;
    lazy_context with_proxies_;
};

} // namespace tuyau::http
