#include <tuyau/net/http/response.hpp>

#include <iterator>

#include <fmt/format.h>

#include <tuyau/net/http/status.hpp>

namespace tuyau::http {
namespace {

/// The line that says what becomes of the connection, where the version's default does not (RFC 9112, section 9.3).
std::string_view connection_field(unsigned minor_version, bool last) noexcept {
    if (last) return "Connection: close\r\n";
    return minor_version == 0 ? "Connection: keep-alive\r\n" : "";
}

std::string head_before_date(int status) { return fmt::format("HTTP/1.1 {} {}\r\nDate: ", status, reason(status)); }

} // namespace

prepared_response::prepared_response(int status, std::string_view content_type, std::string_view body,
                                     std::string_view fields)
    : before_date_(head_before_date(status)),
      after_date_(fmt::format("\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}", content_type, body.size(), fields)),
      body_(body) {}

const std::shared_ptr<const prepared_response::rendered>& prepared_response::at(date_clock& date) {
    const std::string_view now = date.now();
    if (generation_ != date.generation()) {
        auto fresh = std::make_shared<rendered>();
        fresh->bytes.reserve(before_date_.size() + now.size() + after_date_.size() + 2 + body_.size());
        fresh->bytes.append(before_date_).append(now).append(after_date_).append("\r\n");
        fresh->head_size = fresh->bytes.size();
        fresh->bytes.append(body_);
        rendered_ = std::move(fresh);
        generation_ = date.generation();
    }
    return rendered_;
}

void response_batch::add(const request& asked, bool last, prepared_response& response, date_clock& date) {
    const bool head_only = asked.method == HTTP_HEAD;
    const std::string_view connection = connection_field(asked.minor_version, last);
    const auto& whole = response.at(date);
    if (connection.empty()) {
        if (shared_.empty() || shared_.back() != whole) shared_.push_back(whole);
        add_lasting(whole->bytes.data(), head_only ? whole->head_size : whole->bytes.size());
        return;
    }
    const std::size_t from = text_.size();
    text_.append(response.before_date_)
        .append(date.now())
        .append(response.after_date_)
        .append(connection)
        .append("\r\n");
    add_text(from);
    if (!head_only && !response.body_.empty()) add_lasting(response.body_.data(), response.body_.size());
}

void response_batch::add(const request& asked, bool last, int status, std::string_view content_type,
                         std::string_view fields, std::string_view body, date_clock& date) {
    const std::size_t from = text_.size();
    auto out = std::back_inserter(text_);
    text_.append(head_before_date(status)).append(date.now()).append("\r\n");
    if (!has_no_body(status)) {
        if (!body.empty()) fmt::format_to(out, "Content-Type: {}\r\n", content_type);
        fmt::format_to(out, "Content-Length: {}\r\n", body.size());
    }
    text_.append(fields).append(connection_field(asked.minor_version, last)).append("\r\n");
    if (asked.method != HTTP_HEAD && !has_no_body(status)) text_.append(body);
    add_text(from);
}

void response_batch::add_interim(int status) {
    const std::size_t from = text_.size();
    fmt::format_to(std::back_inserter(text_), "HTTP/1.1 {} {}\r\n\r\n", status, reason(status));
    add_text(from);
}

void response_batch::add_text(std::size_t from) {
    const std::size_t size = text_.size() - from;
    if (!pieces_.empty() && pieces_.back().iov_base == nullptr)
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

void response_batch::clear() noexcept {
    text_.clear();
    pieces_.clear();
    shared_.clear();
}

} // namespace tuyau::http
