#include <tuyau/net/http/client/client.hpp>

#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/client/client_session.hpp>

namespace tuyau::http {

client::client(client_options options, std::shared_ptr<connector> connections_by)
    : state_(std::make_shared<detail::client_state>()) {
    state_->options = std::move(options);
    const client_options& now = state_->options;
    state_->connections_by = connections_by ? std::move(connections_by) : std::make_shared<network_connector>();
    state_->pool = std::make_shared<detail::connection_pool>(now.connections, now.connections_per_host, now.idle_time);
}

task<client_result<client_response>> client::get(std::string text) {
    auto where = parse_url(text);
    if (!where) {
        client_error error;
        error.what = where.error().what == url_error::kind::unsupported ? client_error::kind::unsupported_scheme
                                                                        : client_error::kind::bad_url;
        error.text =
            fmt::format("'{}' cannot be asked for: at byte {}, {}", text, where.error().offset, where.error().text);
        co_return tl::unexpected(std::move(error));
    }
    client_request asked;
    asked.where = std::move(*where);
    co_return co_await send(std::move(asked));
}

task<client_result<client_response>> client::send(client_request asked) {
    auto session = std::make_unique<detail::client_session>(state_, std::move(asked));
    auto answered = co_await session->run();
    if (!answered) co_return tl::unexpected(std::move(answered.error()));
    co_return client_response(std::move(session));
}

std::size_t client::idle_connections() const noexcept { return state_->pool->idle(); }
std::size_t client::connections_in_use() const noexcept { return state_->pool->in_use(); }
void client::close_idle_connections() noexcept { state_->pool->close_idle(); }

} // namespace tuyau::http
