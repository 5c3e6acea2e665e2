#include <tuyau/net/http/client/client_session.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/client/tunnel.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/loop.hpp>

namespace tuyau::http::detail {
namespace {

using clock = std::chrono::steady_clock;
using kind = client_error::kind;

std::string in_lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), to_lower);
    return text;
}

} // namespace

client_session::client_session(std::shared_ptr<const client_state> client, client_request asked)
    : client_(std::move(client)), asked_(std::move(asked)), first_(asked_.where), begun_at_(loop::current().now()),
      whole_limit_(client_->options.whole_time.count() > 0 ? begun_at_ + client_->options.whole_time
                                                           : clock::time_point::max()),
      exchange_(asked_, client_->options, whole_limit_), decoder_(client_->options.decoding) {
    if (const client_field* own = asked_.find("proxy-authorization")) {
        proxy_authorization_ = own->value;
        asked_.remove("proxy-authorization"); // it is nobody else's
    }
}

client_error client_session::failed(kind what, std::string text) const {
    const response_parser& response = exchange_.response();
    return {what, client_error::stage::body, exchange_.connection().peer, response.received(), {}, std::move(text)};
}

task<client_result<void>> client_session::run() {
    if (auto fault = fault_of(asked_); !fault.empty()) {
        client_error error;
        error.what = kind::bad_request;
        error.text = std::move(fault);
        co_return tl::unexpected(std::move(error));
    }
    for (;;) {
        auto answered = co_await ask();
        if (!answered) co_return answered;
        auto again = co_await follow();
        if (!again) co_return tl::unexpected(std::move(again.error()));
        if (!*again) co_return choose_decoder();
    }
}

/// One request, made again when it was sent on a connection that had been closed meanwhile.
task<client_result<void>> client_session::ask() {
    if (auto chosen = choose_proxy(); !chosen) co_return chosen;
    for (bool anew = false;; anew = true) {
        auto connection = co_await connect(anew);
        if (!connection) co_return tl::unexpected(std::move(connection.error()));
        if (asked_.observer != nullptr) asked_.observer->connected((*connection)->info);
        const std::string extra = extra_fields();
        const target_form form = proxy_ && !tunnels() ? target_form::absolute : target_form::origin;
        auto answered = co_await exchange_.begin(std::move(*connection), form, extra);
        if (answered || anew || !exchange_.was_stale() || !is_idempotent(asked_.method)) co_return answered;
        auto prepared = co_await prepare_again();
        if (!prepared) co_return answered; // why it failed in the first place
        if (asked_.observer != nullptr) asked_.observer->retried(answered.error());
    }
}

task<client_result<connection_lease>> client_session::connect(bool anew) {
    making_ = {};
    making_.peer = peer_name(asked_.where.host, asked_.where.port);
    making_.stage = client_error::stage::queueing;
    const route there = route_there();
    auto lease = co_await wait_for_room(there);
    if (!lease) co_return tl::unexpected(not_connected(lease.error()));
    if (anew) lease->empty();
    if (lease->has_connection()) co_return std::move(*lease);
    making_.stage = client_error::stage::connecting;
    making_.begun = loop::current().now();
    auto limit = whole_limit_;
    if (client_->options.connect_time.count() > 0)
        limit = std::min(limit, making_.begun + client_->options.connect_time);
    if (limit == clock::time_point::max()) limit = making_.begun + std::chrono::hours(24 * 365);
    auto made = co_await with_deadline(limit, make_connection());
    if (!made) co_return tl::unexpected(not_connected(made.error()));
    if (!*made) co_return tl::unexpected(std::move(made->error()));
    lease->fill(std::move(**made));
    co_return std::move(*lease);
}

task<result<connection_lease>> client_session::wait_for_room(const route& there) {
    if (whole_limit_ == clock::time_point::max()) co_return co_await client_->pool->acquire(there);
    co_return co_await with_deadline(whole_limit_, client_->pool->acquire(there));
}

/// A stop or a time limit while there is no connection yet.
client_error client_session::not_connected(std::error_code error) const {
    client_error told{kind::cancelled, making_.stage, making_.peer, 0, error, "stopped"};
    if (error != std::errc::timed_out) return told;
    told.what = kind::timed_out;
    const bool whole = loop::current().now() >= whole_limit_;
    const auto limit = whole ? client_->options.whole_time : client_->options.connect_time;
    told.text = fmt::format("more than the {} s {}", std::chrono::duration<double>(limit).count(),
                            whole ? "that all of the request may take" : "allowed for that");
    return told;
}

client_result<void> client_session::choose_proxy() {
    if (!client_->connections_by->allows_proxies()) return {};
    auto proxy = client_->options.proxies.proxy_for(asked_.where);
    if (proxy) {
        proxy_ = std::move(*proxy);
        return {};
    }
    client_error error;
    error.what = kind::bad_url;
    error.text = std::move(proxy.error());
    return tl::unexpected(std::move(error));
}

bool client_session::tunnels() const noexcept { return asked_.where.secure || client_->options.proxies.always_tunnel; }

/// What a proxy forwards may go over one connection, wherever it leads from there.
route client_session::route_there() const {
    const url& where = asked_.where;
    if (!proxy_) return {where.secure, in_lower_case(where.host), where.port, {}};
    if (!tunnels()) return {proxy_->secure, in_lower_case(proxy_->host), proxy_->port, "forwards"};
    std::string proxy = proxy_->to_string();
    if (proxy_->user) proxy += proxy_->user->basic();
    return {where.secure, in_lower_case(where.host), where.port, std::move(proxy)};
}

task<client_result<std::unique_ptr<client_connection>>> client_session::make_connection() {
    auto stream = co_await reach();
    if (!stream) co_return tl::unexpected(std::move(stream.error()));
    const url& where = asked_.where;
    if (where.secure) {
        making_.stage = client_error::stage::securing;
        stream = co_await client_->connections_by->secure(std::move(*stream), where.host, where.port, making_);
        if (!stream) co_return tl::unexpected(std::move(stream.error()));
    }
    auto connection = std::make_unique<client_connection>();
    connection->stream = std::move(*stream);
    connection->info = making_;
    co_return connection;
}

/// The server, or the proxy that forwards.
task<client_result<any_stream>> client_session::reach() {
    const url& where = asked_.where;
    if (!proxy_) co_return co_await client_->connections_by->open(where.host, where.port, making_);
    making_.peer = peer_name(proxy_->host, proxy_->port);
    auto stream = co_await reach_proxy();
    if (!stream) co_return tl::unexpected(about_proxy(std::move(stream.error())));
    if (!tunnels()) co_return std::move(*stream);
    making_.stage = client_error::stage::tunnelling;
    tunnel_request request{where, *proxy_, proxy_authorization_, client_->options, asked_.observer};
    auto tunnel = co_await open_tunnel(std::move(*stream), request);
    if (!tunnel) co_return tl::unexpected(about_proxy(std::move(tunnel.error())));
    making_.peer = peer_name(where.host, where.port);
    co_return std::move(*tunnel);
}

task<client_result<any_stream>> client_session::reach_proxy() {
    auto stream = co_await client_->connections_by->open(proxy_->host, proxy_->port, making_);
    if (!stream || !proxy_->secure) co_return stream;
    making_.stage = client_error::stage::securing;
    co_return co_await client_->connections_by->secure_proxy(std::move(*stream), proxy_->host, proxy_->port, making_);
}

client_error client_session::about_proxy(client_error error) const {
    error.is_proxy = true;
    if (error.peer.empty()) error.peer = making_.peer;
    return error;
}

client_result<void> client_session::choose_decoder() {
    if (!client_->options.decompress || asked_.method == "HEAD") return {};
    const auto fields = exchange_.response().head().fields;
    for (auto each = fields.rbegin(); each != fields.rend(); ++each) // the last one names what was done last
        if (equal_ignoring_case(each->name, "content-encoding") && !decoder_.add(each->value)) {
            client_error error =
                failed(kind::bad_coding, fmt::format("the coding '{}' is not known here", each->value));
            exchange_.end();
            return tl::unexpected(std::move(error));
        }
    return {};
}

task<client_result<std::string_view>> client_session::read_decoded() {
    while (!decoding_error_) {
        auto piece = decoder_.next();
        if (!piece) {
            decoding_error_ = failed(kind::bad_coding, std::move(piece.error()));
            exchange_.end();
            break;
        }
        if (!piece->empty()) co_return *piece;
        auto raw = co_await exchange_.read();
        if (!raw) co_return raw;
        if (raw->empty()) {
            std::string fault = decoder_.finish();
            if (fault.empty()) co_return std::string_view();
            decoding_error_ = failed(kind::bad_coding, std::move(fault));
            break;
        }
        decoder_.feed(*raw);
    }
    co_return tl::unexpected(*decoding_error_);
}

std::string client_session::extra_fields() const {
    std::string lines;
    lines.reserve(256); // more than most have
    const auto add = [&](std::string_view name, std::string_view value) {
        if (!value.empty() && asked_.adds(name)) lines.append(name).append(": ").append(value).append("\r\n");
    };
    add("User-Agent", client_->options.user_agent);
    add("Accept", "*/*");
    if (client_->options.decompress) add("Accept-Encoding", "gzip, deflate, br, zstd");
    if (proxy_ && !tunnels()) {
        if (!proxy_authorization_.empty())
            add("Proxy-Authorization", proxy_authorization_);
        else if (proxy_->user)
            add("Proxy-Authorization", proxy_->user->basic());
    }
    return lines;
}

} // namespace tuyau::http::detail
