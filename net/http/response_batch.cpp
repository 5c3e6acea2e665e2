#include <tuyau/net/http/response_batch.hpp>

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include <tuyau/net/http/status.hpp>
#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

// Of a prepared response: enough for what clients send at once, and what is made anew each second stays small.
constexpr std::size_t most_copies = 16;
constexpr std::size_t room_for_copies = 16 * 1024;

/// The line that says what becomes of the connection, where the version's default does not (RFC 9112, section 9.3).
std::string_view connection_field(unsigned minor_version, bool last) noexcept {
    if (last) return "Connection: close\r\n";
    return minor_version == 0 ? "Connection: keep-alive\r\n" : "";
}

std::string head_after_date(std::string_view content_type, std::size_t size, std::string_view fields) {
    std::string lines = "\r\nContent-Type: ";
    append_value(lines, content_type);
    fmt::format_to(std::back_inserter(lines), "\r\nContent-Length: {}\r\n{}", size, fields);
    return lines;
}

std::string head_before_date(int status) { return fmt::format("HTTP/1.1 {} {}\r\nDate: ", status, reason(status)); }

} // namespace

prepared_response::prepared_response(int status, std::string_view content_type, std::string_view body,
                                     std::string_view fields, std::shared_ptr<const void> owner)
    : status_(status), before_date_(head_before_date(status)),
      after_date_(head_after_date(content_type, body.size(), fields)),
      body_(body), owner_(std::move(owner)) {}

prepared_response::prepared_response(int status, std::string_view content_type, std::shared_ptr<const file> body,
                                     std::size_t size, std::string_view fields)
    : status_(status), before_date_(head_before_date(status)),
      after_date_(head_after_date(content_type, size, fields)),
      file_(std::move(body)), file_size_(size) {}

bool prepared_response::is_large() const noexcept { return file_ != nullptr || body_.size() > room_for_copies; }

std::size_t prepared_response::memory() const noexcept {
    return sizeof *this + before_date_.size() + after_date_.size() + (is_large() ? 512 : room_for_copies);
}

const std::shared_ptr<const prepared_response::rendered>& prepared_response::at(date_clock& date) {
    const std::string_view now = date.now();
    if (generation_ != date.generation()) {
        auto fresh = std::make_shared<rendered>();
        fresh->head_size = before_date_.size() + now.size() + after_date_.size() + 2;
        const std::string_view body = is_large() ? std::string_view() : body_;
        fresh->size = fresh->head_size + body.size();
        fresh->copies = is_large() ? 1 : std::clamp<std::size_t>(room_for_copies / fresh->size, 1, most_copies);
        fresh->bytes.reserve(fresh->copies * fresh->size);
        for (std::size_t number = 0; number < fresh->copies; ++number)
            fresh->bytes.append(before_date_).append(now).append(after_date_).append("\r\n").append(body);
        rendered_ = std::move(fresh);
        generation_ = date.generation();
    }
    return rendered_;
}

void response_batch::add(const request_head& asked, bool last, prepared_response& response, date_clock& date) {
    const bool head_only = asked.method == HTTP_HEAD;
    const std::string_view connection = connection_field(asked.minor_version, last);
    const auto& whole = response.at(date);
    if (connection.empty()) {
        if (!head_only && copies_left_ != 0 && shared_.back() == whole) { // which is then the last piece's
            pieces_.back().iov_len += whole->size;
            --copies_left_;
            return;
        }
        if (shared_.empty() || shared_.back() != whole) shared_.push_back(whole);
        add_lasting(whole->bytes.data(), head_only ? whole->head_size : whole->size);
        copies_left_ = head_only ? 0 : whole->copies - 1;
        if (response.is_large() && !head_only) add_body_of(response);
        return;
    }
    const std::size_t from = text_.size();
    text_.append(response.before_date_)
        .append(date.now())
        .append(response.after_date_)
        .append(connection)
        .append("\r\n");
    add_text(from);
    if (!head_only && response.body_size() != 0) add_body_of(response);
}

void response_batch::add_body_of(const prepared_response& response) {
    copies_left_ = 0;
    if (response.file_ != nullptr) {
        shared_.push_back(response.file_);
        return add_file(*response.file_, 0, response.file_size_, body_framing::sized);
    }
    if (response.owner_ != nullptr) shared_.push_back(response.owner_);
    add_lasting(response.body_.data(), response.body_.size());
}

void response_batch::add(const request_head& asked, bool last, int status, std::string_view content_type,
                         std::string_view fields, std::string_view body, date_clock& date) {
    const std::size_t from = text_.size();
    auto out = std::back_inserter(text_);
    begin_head(status, date);
    if (!has_no_body(status)) {
        if (!body.empty()) {
            text_.append("Content-Type: ");
            append_value(text_, content_type);
            text_.append("\r\n");
        }
        fmt::format_to(out, "Content-Length: {}\r\n", body.size());
    }
    text_.append(fields).append(connection_field(asked.minor_version, last)).append("\r\n");
    if (asked.method != HTTP_HEAD && !has_no_body(status)) text_.append(body);
    add_text(from);
}

void response_batch::begin_head(int status, date_clock& date) {
    fmt::format_to(std::back_inserter(text_), "HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason(status), date.now());
}

void response_batch::add_head(const request_head& asked, bool last, int status, std::string_view fields,
                              body_framing framing, std::uint64_t size, date_clock& date) {
    const std::size_t from = text_.size();
    begin_head(status, date);
    if (framing == body_framing::sized) fmt::format_to(std::back_inserter(text_), "Content-Length: {}\r\n", size);
    if (framing == body_framing::chunked) text_.append("Transfer-Encoding: chunked\r\n");
    text_.append(fields).append(connection_field(asked.minor_version, last)).append("\r\n");
    add_text(from);
}

void response_batch::add_piece(std::string_view piece, body_framing framing) {
    copies_left_ = 0;
    begin_chunk(piece.size(), framing);
    add_lasting(piece.data(), piece.size());
    end_chunk(framing);
}

void response_batch::add_file(const file& from, std::uint64_t position, std::uint64_t size, body_framing framing,
                              std::uint64_t* sent) {
    copies_left_ = 0;
    begin_chunk(size, framing);
    files_.push_back({&from, position, size, pieces_.size(), sent});
    end_chunk(framing);
}

void response_batch::begin_chunk(std::uint64_t size, body_framing framing) {
    if (framing != body_framing::chunked) return;
    const std::size_t from = text_.size();
    fmt::format_to(std::back_inserter(text_), "{:x}\r\n", size);
    add_text(from);
}

void response_batch::end_chunk(body_framing framing) {
    if (framing != body_framing::chunked) return;
    const std::size_t from = text_.size();
    text_.append("\r\n");
    add_text(from);
}

void response_batch::add_last_chunk() {
    const std::size_t from = text_.size();
    text_.append("0\r\n").append(trailers_).append("\r\n");
    trailers_.clear();
    add_text(from);
}

void response_batch::add_interim(int status, std::string_view fields) {
    const std::size_t from = text_.size();
    fmt::format_to(std::back_inserter(text_), "HTTP/1.1 {} {}\r\n{}\r\n", status, reason(status), fields);
    add_text(from);
}

void response_batch::forget_since(const place& mark) noexcept {
    text_.resize(mark.text);
    pieces_.resize(mark.pieces);
    files_.resize(mark.files);
    if (!pieces_.empty()) pieces_.back().iov_len = mark.last_size;
    copies_left_ = mark.copies_left;
}

void response_batch::say_last(const place& mark) {
    const std::size_t before = text_.size();
    constexpr std::string_view kept = "Connection: keep-alive\r\n";
    const std::size_t end = text_.find("\r\n\r\n", mark.text) + 2;
    const std::size_t said = text_.find(kept, mark.text);
    text_.insert(end, connection_field(1, true));
    if (said < end) text_.erase(said, kept.size());
    pieces_.back().iov_len += text_.size() - before; // a difference below zero wraps round, and back
}

void response_batch::add_text(std::size_t from) {
    copies_left_ = 0;
    const std::size_t size = text_.size() - from;
    const bool behind_file = !files_.empty() && files_.back().place == pieces_.size();
    if (!pieces_.empty() && pieces_.back().iov_base == nullptr && !behind_file)
        pieces_.back().iov_len += size; // the text before it is its neighbour
    else
        pieces_.push_back({nullptr, size});
}

std::span<iovec> response_batch::pieces() noexcept {
    char* next = text_.data();
    for (iovec& each : pieces_) {
        if (each.iov_base != nullptr) continue;
        each.iov_base = next;
        next += each.iov_len;
    }
    return pieces_;
}

void response_batch::take_over(response_batch& other) noexcept {
    clear();
    text_.swap(other.text_);
    pieces_.swap(other.pieces_);
    files_.swap(other.files_);
    shared_.swap(other.shared_);
    other.copies_left_ = 0;
}

void response_batch::clear() noexcept {
    text_.clear();
    pieces_.clear();
    files_.clear();
    shared_.clear();
    copies_left_ = 0;
}

} // namespace tuyau::http
