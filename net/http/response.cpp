#include <tuyau/net/http/response.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <tuyau/net/http/error_page.hpp>
#include <tuyau/net/http/status.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/runtime/contract.hpp>

namespace tuyau::http {
namespace {

bool is_for_the_library(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 4> names{"date", "content-length", "transfer-encoding", "connection"};
    return std::any_of(names.begin(), names.end(),
                       [name](std::string_view each) { return equal_ignoring_case(each, name); });
}

void append_field(std::string& fields, std::string_view name, std::string_view value) {
    require(!name.empty() && std::all_of(name.begin(), name.end(), is_token_character),
            "a response's field has a name that is no token (RFC 9110, section 5.1)");
    require(!is_for_the_library(name),
            "Date, Content-Length, Transfer-Encoding and Connection are said by the library");
    fields.append(name).append(": ");
    append_value(fields, value);
    fields.append("\r\n");
}

constexpr const char* after_the_head = "a response's head was changed after it had been sent";

/// The client would take the connection for a tunnel from there on (RFC 9110, section 9.3.6), and there are none here.
bool begins_tunnel(const request_head& asked, int status) noexcept {
    return asked.method == HTTP_CONNECT && status / 100 == 2;
}

constexpr int no_tunnel = 501;
constexpr std::string_view no_tunnel_sentence = "There are no tunnels through this server.";

} // namespace

/// Holds for a wait's time that nobody else writes.
class response::writing {
public:
    explicit writing(response& owner) noexcept : owner_(owner) {
        require(!owner.being_written_, "two coroutines wrote one response at the same time");
        owner_.being_written_ = true;
    }
    writing(const writing&) = delete;
    writing& operator=(const writing&) = delete;
    ~writing() { owner_.being_written_ = false; }

private:
    response& owner_;
};

void response::add_field(std::string_view name, std::string_view value) {
    require(!begun_, after_the_head);
    append_field(exchange_.batch().draft(), name, value);
}

void response::send(prepared_response& prepared) {
    require(!begun_, after_the_head);
    if (begins_tunnel(asked_, prepared.status())) [[unlikely]]
        return send_error(no_tunnel, no_tunnel_sentence);
    begun_ = whole_ = true;
    exchange_.begin_response();
    last_ = exchange_.closes();
    prepared_ = &prepared;
    status_ = prepared.status();
    if (asked_.method != HTTP_HEAD) body_size_ = prepared.body_size();
    exchange_.batch().add(asked_, last_, prepared, exchange_.date());
}

void response::send(std::shared_ptr<prepared_response> prepared) {
    kept_ = std::move(prepared);
    send(*kept_);
}

void response::send(std::string_view content_type, std::string_view body) {
    require(!begun_, after_the_head);
    if (begins_tunnel(asked_, status_)) return send_error(no_tunnel, no_tunnel_sentence);
    begun_ = whole_ = true;
    exchange_.begin_response();
    last_ = exchange_.closes();
    if (body_allowed()) body_size_ = body.size();
    response_batch& batch = exchange_.batch();
    batch.add(asked_, last_, status_, content_type, batch.draft(), body, exchange_.date());
    batch.draft().clear();
}

void response::send_error(int status, std::string_view sentence) {
    status_ = status;
    send("text/html; charset=utf-8", error_page(status, sentence));
}

bool response::body_allowed() const noexcept { return asked_.method != HTTP_HEAD && !has_no_body(status_); }

void response::write_head() {
    if (begins_tunnel(asked_, status_)) status_ = no_tunnel;
    begun_ = true;
    exchange_.begin_response();
    framing_ = has_no_body(status_)        ? body_framing::none
               : announced_                ? body_framing::sized
               : asked_.minor_version == 1 ? body_framing::chunked
                                           : body_framing::until_close;
    last_ = exchange_.closes() || framing_ == body_framing::until_close;
    response_batch& batch = exchange_.batch();
    batch.add_head(asked_, last_, status_, batch.draft(), framing_, announced_.value_or(0), exchange_.date());
    batch.draft().clear();
}

task<result<void>> response::begin() {
    const writing alone(*this);
    if (!begun_) write_head();
    co_return co_await exchange_.flush();
}

task<result<void>> response::write(std::string_view piece) {
    const writing alone(*this);
    if (!is_room_for(piece.size())) co_return failure(std::errc::message_size);
    const std::size_t size = body_allowed() ? piece.size() : 0;
    if (size != 0) exchange_.batch().add_piece(piece, framing_);
    auto sent = co_await exchange_.flush();
    if (sent) body_size_ += size;
    co_return sent;
}

task<result<void>> response::write_file(const file& from, std::uint64_t position, std::uint64_t size) {
    const writing alone(*this);
    if (!is_room_for(size)) co_return failure(std::errc::message_size);
    if (body_allowed() && size != 0) exchange_.batch().add_file(from, position, size, framing_, &body_size_);
    co_return co_await exchange_.flush();
}

/// Whether so much may be written, which it then counts as; behind the head.
bool response::is_room_for(std::uint64_t size) {
    require(!whole_, "something was written to a response after the whole of it had been sent");
    if (!begun_) write_head();
    if (announced_ && size > *announced_ - written_) return false;
    written_ += size;
    return true;
}

void response::add_trailer(std::string_view name, std::string_view value) {
    append_field(exchange_.batch().trailers(), name, value);
}

task<result<void>> response::send_interim(int status) {
    require(!begun_, after_the_head);
    const writing alone(*this);
    response_batch& batch = exchange_.batch();
    if (asked_.minor_version == 1) batch.add_interim(status, batch.draft());
    batch.draft().clear();
    co_return co_await exchange_.flush();
}

void response::become_last(const response_batch::place& place) {
    last_ = true;
    response_batch& batch = exchange_.batch();
    if (prepared_ == nullptr) return batch.say_last(place);
    batch.forget_since(place);
    batch.add(asked_, true, *prepared_, exchange_.date());
}

void response::fail() {
    exchange_.batch().draft().clear();
    send_error(500, "The server failed to answer this request.");
}

bool response::finish() {
    if (!begun_ && announced_)
        write_head();
    else if (!begun_)
        send();
    if (whole_) return true;
    if (!body_allowed()) return true;
    if (framing_ == body_framing::chunked) exchange_.batch().add_last_chunk();
    return !announced_ || written_ == *announced_;
}

} // namespace tuyau::http
