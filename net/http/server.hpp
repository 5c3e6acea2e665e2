#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/net/http/address_quota.hpp>
#include <tuyau/net/http/admission.hpp>
#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/refusal.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/request_parser.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/net/http/response_batch.hpp>
#include <tuyau/net/http/server_limits.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// An HTTP/1.1 server for one loop: each connection a task, kept alive, its pipelined requests answered in order with one
/// send for all that one buffer held.
///
/// Refuses what is malformed (RFC 9112) with a page that says why, flushes what it owes, and closes without losing it. An
/// exception of a handler is answered by a 500, or breaks the connection off if the response has begun.
class server {
public:
    /// Several servers, of several loops, may have one `quota`, which then counts in the place of
    /// `limits.connections_per_address`, and `places`, of which each connection takes one, in the place of
    /// `limits.connections`.
    explicit server(handler answer, const server_limits& limits = {}, std::shared_ptr<address_quota> quota = nullptr,
                    std::shared_ptr<concurrent::semaphore> places = nullptr);
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Accepts and serves until the awaiting task is asked to stop, or the listener fails: its error. Several listeners
    /// may be served at a time. Connections go on afterwards: see `drain`.
    task<result<void>> serve(tcp_listener& listener);

    /// Serves one connection of any kind, to its end.
    template <byte_stream Stream>
    task<> converse(Stream stream) {
        return detail::converse(shared_, std::move(stream));
    }

    /// Lets each connection finish the request that is under way and take its responses, closes those that are idle, and
    /// waits for all of them: `limits.drain_time` at most, then what is left is broken off. Whether nothing had to be.
    task<bool> drain();

    std::size_t connections() const noexcept { return clients_.size(); }

    const server_counts& counts() const noexcept { return shared_.counts; }

    /// Has `observer` called after each response, and each refusal, before it is sent.
    void observe(response_observer observer) { shared_.observer = std::move(observer); }

    /// Has `observer` called with what a handler has thrown.
    void observe_failures(failure_observer observer) { shared_.failure_observer = std::move(observer); }

private:
    bool admit(const tcp_stream& client, address_quota::place& place);
    task<result<tcp_stream>> accept(tcp_listener& listener, shared_place& place);

    detail::server_state shared_;
    std::shared_ptr<address_quota> quota_;
    std::shared_ptr<concurrent::semaphore> places_; // null: this server's connections alone count
    std::size_t turned_away_ = 0; // connections that are told so at present
    scope clients_; // last: its children use all of the above
};

/// Serves `listener` until the awaiting task is asked to stop or the listener fails, which error it gives; then drains.
task<result<void>> serve(tcp_listener& listener, handler answer, const server_limits& limits = {});

} // namespace tuyau::http
