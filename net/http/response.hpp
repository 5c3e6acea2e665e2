#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <tuyau/net/http/exchange.hpp>
#include <tuyau/net/http/request_head.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// What a handler answers: either whole, by one of the `send`s, or piece by piece, by `write`. What a whole response says is
/// sent after the handler, together with the answers to other requests that came in the same moment.
///
/// One coroutine writes at a time; another may read the request's body meanwhile. A write that is stopped, or destroyed
/// before its end, breaks the response off: nobody knows what of it was sent.
///
/// The library says Date, Content-Length, Transfer-Encoding and Connection; leaves the body away where there must be none
/// (HEAD, 204, 304); and answers 200 without a body for a handler that says nothing.
class response {
public:
    response(const request_head& asked, exchange& own) noexcept : asked_(asked), exchange_(own) {}
    response(const response&) = delete;
    response& operator=(const response&) = delete;

    /// Until the response begins. A 2xx to CONNECT becomes a 501: the client would take it for a tunnel.
    void set_status(int status) noexcept { status_ = status; }
    int status() const noexcept { return status_; }

    /// Appends a field to the head, until it begins. Control characters in `value` become spaces: they would end the line.
    /// `name` has to be a token, and none of the four that are the library's.
    void add_field(std::string_view name, std::string_view value);

    /// The whole response is `prepared`, which must outlive the server. Fields that were added are not part of it.
    void send(prepared_response& prepared);

    /// The same of one that others may forget meanwhile.
    void send(std::shared_ptr<prepared_response> prepared);

    /// The whole response: the status and fields so far, and `body`, which is copied.
    void send(std::string_view content_type, std::string_view body);

    /// The same without a body.
    void send() { send({}, {}); }

    /// A page for people about an error, with the fields so far.
    void send_error(int status, std::string_view sentence);

    /// Says how long the body that is to be written will be. Without it the body goes in chunks, or to a client of HTTP/1.0
    /// until the connection closes.
    void set_content_length(std::uint64_t size) noexcept { announced_ = size; }

    /// Sends `piece`, before it the head if it is the first. The error of the connection, once it has one; `message_size` if
    /// more was written than announced. `piece` must live until the await is over.
    task<result<void>> write(std::string_view piece);

    /// The same with bytes of a file, which has them: `io_error` if it ends before. The client gets the time that it has for a
    /// send anew whenever it has taken another 64 KiB. Those of a `file::in_memory` are not copied where that can be.
    task<result<void>> write_file(const file& from, std::uint64_t position, std::uint64_t size);

    /// Sends the head if it has not been sent yet: before a body that will be long in coming.
    task<result<void>> begin();

    /// Appends a field behind a body that is in chunks (RFC 9110, section 6.5); it is left away where there are none.
    void add_trailer(std::string_view name, std::string_view value);

    /// Sends an interim response with the fields so far, which the final one then has no more: 103 for hints (RFC 8297).
    /// Nothing is sent to a client of HTTP/1.0, which would not understand.
    task<result<void>> send_interim(int status);

    /// Whether all of it was said at once.
    bool is_whole() const noexcept { return whole_; }

    /// Whether the head is written, so that nothing of it can be changed.
    bool begun() const noexcept { return begun_; }

    /// Bytes of body so far: of what was written those that were sent, and all of a response that was said at once. Those
    /// that a HEAD leaves away are not counted.
    std::uint64_t body_size() const noexcept { return body_size_; }

    /// For the connection, which is to close after all: has a whole response, which begins at `place`, say so.
    void become_last(const response_batch::place& place);

    /// For the connection: whether nothing was said yet of a body that was announced.
    bool owes_all() const noexcept { return !begun_ && announced_.value_or(0) != 0 && body_allowed(); }

    /// For the connection: a page that says that the server has failed, in place of a response that has not begun.
    void fail();

    /// For the connection: ends the response. Whether it is whole: not if less was written than announced.
    bool finish();

    /// For the connection: whether the response says that it is the last one.
    bool is_last() const noexcept { return last_; }

private:
    class writing;

    bool is_room_for(std::uint64_t size);
    bool body_allowed() const noexcept;
    void write_head();

    const request_head& asked_;
    exchange& exchange_;
    prepared_response* prepared_ = nullptr;
    std::shared_ptr<prepared_response> kept_; // that, if nobody else keeps it
    int status_ = 200;
    body_framing framing_ = body_framing::none;
    bool begun_ = false;
    bool whole_ = false;
    bool last_ = false;
    bool being_written_ = false;
    std::optional<std::uint64_t> announced_;
    std::uint64_t written_ = 0;
    std::uint64_t body_size_ = 0;
};

} // namespace tuyau::http
