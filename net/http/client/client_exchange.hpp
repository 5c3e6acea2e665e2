#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/http/client/client_observer.hpp>
#include <tuyau/net/http/client/client_options.hpp>
#include <tuyau/net/http/client/client_request.hpp>
#include <tuyau/net/http/client/connection_pool.hpp>
#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http::detail {

/// One request on one connection, and its response. What is sent and what is received go on beside each other: a server may
/// answer, and stop reading, before it has the whole request.
class client_exchange {
public:
    using clock = std::chrono::steady_clock;

    /// `whole_limit`: when all has to be over.
    client_exchange(const client_request& asked, const client_options& options, clock::time_point whole_limit) noexcept
        : asked_(asked), options_(options), whole_limit_(whole_limit) {}
    client_exchange(const client_exchange&) = delete;
    client_exchange& operator=(const client_exchange&) = delete;

    /// Sends the request, and receives up to the head of the response that counts. May be called again, for another
    /// exchange.
    task<client_result<void>> begin(connection_lease connection, target_form form, std::string_view extra_fields);

    /// The next piece of the body as it came, valid until the next call; empty at its end, when the connection has been
    /// given back.
    task<client_result<std::string_view>> read();

    /// Passes over what is left of the body if that is at most `most` bytes, so that the connection may be used again.
    task<> pass_over(std::size_t most);

    /// Gives up what is left of the exchange, and its connection.
    void end() noexcept {
        sending_.reset();
        connection_.release();
    }

    const response_parser& response() const noexcept { return *parser_; }
    const connection_info& connection() const noexcept { return info_; }

    /// Whether the connection was used before, and has ended before a byte of the response came.
    bool was_stale() const noexcept {
        return info_.reused && broke_ && parser_ && parser_->received() == 0 && !source_error_;
    }

    /// Whether a source has been asked for a piece of the body.
    bool source_was_read() const noexcept { return source_was_read_; }

    clock::time_point sent_at() const noexcept { return sent_at_; }
    clock::time_point first_byte_at() const noexcept { return first_byte_at_; }

private:
    enum class permission { awaited, given, refused };
    class watch;

    any_stream& stream() noexcept { return connection_->stream; }
    void arm(wait_limit& limit) const noexcept;
    void made_progress() noexcept;

    task<result<void>> send_at_once();
    task<> send_beside();
    task<result<void>> send_all();
    task<result<void>> send_bytes(std::string_view head, std::string_view bytes);
    task<result<void>> send_source(body_source& source);
    task<result<void>> send_piece(std::string_view piece, bool in_chunks);
    task<> wait_for_permission();

    task<result<std::size_t>> receive();
    task<client_result<response_parser::step>> advance();
    task<> send_rest();
    task<client_result<void>> finish();
    void decide_what_to_send() noexcept;
    void end_exchange() noexcept;

    client_error::stage stage() const noexcept;
    client_error failed(client_error::kind what, std::string text, std::error_code code = {}) const;
    client_error given_up(std::error_code error);
    client_error why_broken(std::error_code error) const;
    client_error refused() const;

    const client_request& asked_;
    const client_options& options_;
    clock::time_point whole_limit_;

    connection_lease connection_;
    connection_info info_;
    std::optional<response_parser> parser_;
    std::string_view unparsed_; // in the connection's memory
    std::string head_;          // of the request, and a small body behind it
    bool was_head_ = false;     // the head that counts has come
    bool complete_ = false;
    bool broke_ = false; // the connection did

    // What is sent.
    bool sent_ = false;
    bool source_was_read_ = false;
    permission permission_ = permission::given;
    event decided_;
    std::error_code send_error_;
    std::optional<std::string> source_error_;
    clock::time_point sent_at_{};
    clock::time_point first_byte_at_{};

    wait_limit* waiting_ = nullptr; // of who waits for the response
    bool limit_passed_ = false;
    std::optional<scope> sending_; // last: its child uses all of the above
};

} // namespace tuyau::http::detail
