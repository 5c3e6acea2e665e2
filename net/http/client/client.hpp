#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/http/client/client_observer.hpp>
#include <tuyau/net/http/client/client_options.hpp>
#include <tuyau/net/http/client/client_request.hpp>
#include <tuyau/net/http/client/client_response.hpp>
#include <tuyau/net/http/client/connector.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

namespace detail {
struct client_state;
}

/// An HTTP/1.1 client: keeps connections alive and uses them again, follows redirects, and takes a response only if it is
/// whole and right.
///
///     http::client client;
///     auto page = co_await client.get("http://localhost:8080/");
///     if (page) auto text = co_await page->read_all(1'000'000);
///
/// For any number of requests at a time, on one loop's thread. An idempotent request that finds an idle connection closed
/// is made again on a new one; nothing else is sent twice. Stopped or destroyed anywhere, a request closes its connection.
class client {
public:
    explicit client(client_options options = {}, std::shared_ptr<connector> connections_by = nullptr);

    /// Up to the head of the response; the body is read from that. The URL as for `parse_url`.
    task<client_result<client_response>> get(std::string url);

    task<client_result<client_response>> send(client_request asked);

    /// Connections that are idle, and in use, at present.
    std::size_t idle_connections() const noexcept;
    std::size_t connections_in_use() const noexcept;

    void close_idle_connections() noexcept;

private:
    std::shared_ptr<detail::client_state> state_;
};

} // namespace tuyau::http
