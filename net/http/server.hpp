#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/request_parser.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

struct server_limits {
    request_limits request;
    std::size_t connections = 10'000;              ///< at once; past it new ones wait in the listener's backlog
    std::chrono::milliseconds header_time{10'000}; ///< from a request's first byte to the end of its header section
    std::chrono::milliseconds body_time{60'000};   ///< for the rest of the request
    std::chrono::milliseconds idle_time{60'000};   ///< between requests
    std::chrono::milliseconds send_time{30'000};   ///< for the client to take the responses to one buffer of requests
    std::chrono::milliseconds drain_time{10'000};  ///< for what is under way, once the server is asked to end
};

/// What a program answers to requests. Called on the loop's thread, once a request, in order.
class handler {
public:
    /// Appends exactly one response to `out`. `last`: the connection closes after it, and the response has to say so.
    virtual void respond(const request& asked, bool last, response_batch& out, date_clock& date) = 0;

protected:
    ~handler() = default;
};

/// An HTTP/1.1 server for one loop: each connection a task, kept alive, its pipelined requests answered in order with one
/// send for all that one buffer held.
///
/// Refuses what is malformed (RFC 9112) with a page that says why, flushes what it owes, and closes without losing it.
class server {
public:
    /// `program` must outlive the server.
    explicit server(handler& program, const server_limits& limits = {}) noexcept : handler_(program), limits_(limits) {}
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Accepts and serves until the awaiting task is asked to stop, or the listener fails: its error. Several listeners
    /// may be served at a time. Connections go on afterwards: see `drain`.
    task<result<void>> serve(tcp_listener& listener);

    /// Lets each connection finish the request that is under way and take its responses, closes those that are idle, and
    /// waits for all of them: `limits.drain_time` at most, then what is left is broken off. Whether nothing had to be.
    task<bool> drain();

    std::size_t connections() const noexcept { return clients_.size(); }

private:
    class session;

    task<> converse(tcp_stream stream);
    std::unique_ptr<request_parser> take_parser();
    void give_back(std::unique_ptr<request_parser> parser) noexcept;
    std::unique_ptr<response_batch> take_batch();
    void give_back(std::unique_ptr<response_batch> batch) noexcept;

    handler& handler_;
    const server_limits limits_;
    date_clock date_;
    std::unique_ptr<request_parser> parser_;               // while nobody reads a request
    std::vector<std::unique_ptr<response_batch>> batches_; // idle ones
    list<session> sessions_;
    bool draining_ = false;
    scope clients_; // last: its children use all of the above
};

} // namespace tuyau::http
