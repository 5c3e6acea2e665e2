#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/http/client/client_exchange.hpp>
#include <tuyau/net/http/client/client_options.hpp>
#include <tuyau/net/http/client/client_request.hpp>
#include <tuyau/net/http/client/connection_pool.hpp>
#include <tuyau/net/http/client/connector.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http::detail {

/// What a client and its responses share.
struct client_state {
    client_options options;
    std::shared_ptr<connector> connections_by;
    std::shared_ptr<connection_pool> pool;
};

/// One request to its end: connections, second attempts and redirects, and the response that counts. Lives on in that.
class client_session : public frame_pool::pooled {
public:
    client_session(std::shared_ptr<const client_state> client, client_request asked);

    /// Up to the head of the response that counts.
    task<client_result<void>> run();

    /// The next piece of the body, decompressed where that is asked for.
    task<client_result<std::string_view>> read() { return decoder_.is_needed() ? read_decoded() : exchange_.read(); }

    const client_exchange& exchange() const noexcept { return exchange_; }
    const client_request& asked() const noexcept { return asked_; }
    unsigned redirects() const noexcept { return redirects_; }
    std::chrono::steady_clock::time_point begun_at() const noexcept { return begun_at_; }

    /// An error about the response.
    client_error failed(client_error::kind what, std::string text) const;

private:
    task<client_result<void>> ask();
    task<client_result<connection_lease>> connect(bool anew);
    task<result<connection_lease>> wait_for_room(const route& there);
    task<client_result<std::unique_ptr<client_connection>>> make_connection();
    task<client_result<any_stream>> reach();
    task<client_result<any_stream>> reach_proxy();
    client_error about_proxy(client_error error) const;
    task<client_result<std::string_view>> read_decoded();
    client_result<void> choose_proxy();
    client_result<void> choose_decoder();
    route route_there() const;
    bool tunnels() const noexcept;
    client_error not_connected(std::error_code error) const;
    task<client_result<bool>> follow();
    std::optional<client_error> redirect(std::string_view location);
    task<client_result<void>> prepare_again();
    std::string extra_fields() const;

    std::shared_ptr<const client_state> client_;
    client_request asked_;
    url first_; // as it was asked for: whose credentials the request carries
    std::chrono::steady_clock::time_point begun_at_;
    std::chrono::steady_clock::time_point whole_limit_;
    unsigned redirects_ = 0;
    std::optional<url> proxy_;
    std::string proxy_authorization_;
    connection_info making_; // the connection that is being made
    client_exchange exchange_;
    content_decoder decoder_;
    std::optional<client_error> decoding_error_;
};

} // namespace tuyau::http::detail
