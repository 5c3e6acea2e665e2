#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <tuyau/net/http/response.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// One event for a page that listens (the HTML standard, section 9.2, server-sent events).
struct server_event {
    std::string_view data; ///< its lines, ended by any of CR LF, LF and CR, arrive as lines ended by LF
    std::string_view type; ///< what the page listens for; `message` if it is empty
    std::string_view id;   ///< what a client that comes back tells as Last-Event-ID; none if it is empty
    std::optional<std::chrono::milliseconds> retry; ///< how long a client that lost the connection waits
};

/// A response that goes on as long as the handler has something to tell.
class event_stream {
public:
    /// Makes `reply` such a response; it must outlive this object.
    explicit event_stream(response& reply);

    /// Sends the head at once, so that the client knows that it listens.
    task<result<void>> begin() { return reply_.begin(); }

    /// Sends `event`. `invalid_argument` if its type or id holds the end of a line, or its id a NUL. Any other error is the
    /// connection's: the client has gone.
    task<result<void>> send(server_event event);

    /// Sends a line that no client tells its page of: it keeps the connection alive, and finds out whether the client is
    /// still there.
    task<result<void>> send_comment(std::string_view text = {});

private:
    task<result<void>> send_text();

    response& reply_;
    std::string text_;
};

} // namespace tuyau::http
