#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <tuyau/net/http/exchange.hpp>
#include <tuyau/net/http/request_head.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// A request as a handler gets it: the head, whose views last as long as the handler runs, and the body, which is read when
/// the handler asks for it. What nobody reads is held back at the client, and read and forgotten after the handler.
class request : public request_head {
public:
    request(const request_head& head, exchange& own) noexcept : request_head(head), exchange_(own) {}
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    /// The next piece of the body, as it came, valid until the next call; empty at the end. To a client that waits for one,
    /// the first call sends a 100 (RFC 9110, section 10.1.1).
    ///
    /// Errors: `connection_reset` when the client went away, `timed_out` when it was too slow, `message_size` when the body
    /// is over its limit, `bad_message` when it is malformed. After the last three the client is told so if the response has
    /// not begun when the handler ends. A read that is stopped (`operation_canceled`) loses nothing: the next goes on.
    ///
    /// One coroutine reads at a time; another may write the response meanwhile.
    task<result<std::string_view>> read() { return exchange_.read_body(); }

    /// The whole body, if it has no more than `most` bytes; `message_size` else.
    task<result<std::string>> read_all(std::size_t most);

    /// What came behind the last chunk of the body, once `read` has come to its end.
    std::span<const field> trailers() const noexcept { return exchange_.trailers(); }

    /// What stands in the path for `{name}` in the pattern of a router's route, as it came; empty if there is none.
    std::string_view parameter(std::string_view name) const noexcept { return http::value_of(parameters_, name); }

    /// For routers: the fields' names are compared in any case. They must live as long as the handler runs.
    void set_parameters(std::span<const field> parameters) noexcept { parameters_ = parameters; }

private:
    exchange& exchange_;
    std::span<const field> parameters_;
};

} // namespace tuyau::http
