#include <tuyau/net/http/response_parser.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/status.hpp>
#include <tuyau/net/http/text.hpp>

namespace tuyau::http {

using kind = response_error::kind;

// Room made at once: as many as most heads have.
constexpr std::size_t usual_fields = 16;

/// llhttp's callbacks; 0 to go on.
struct response_callbacks {
    static response_parser& self(llhttp_t* parser) noexcept { return *static_cast<response_parser*>(parser->data); }

    static int pause(response_parser& here, response_parser::pause why) noexcept {
        here.pause_ = why;
        return HPE_PAUSED;
    }

    /// Where `at` will be in the text of the open section, to which the bytes in hand are added when llhttp is through.
    static std::size_t place(const response_parser& here, const char* at) noexcept {
        return here.open_->text.size() + static_cast<std::size_t>(at - here.given_);
    }

    /// A part that may come in several pieces, one behind the other.
    static void extend(const response_parser& here, response_parser::part& part, const char* at, std::size_t size) {
        if (part.size == 0) part.begin = place(here, at);
        part.size += size;
    }

    static int status(llhttp_t* parser, const char* at, std::size_t size) {
        response_parser& here = self(parser);
        extend(here, here.open_->reason, at, size);
        return 0;
    }

    static int header_field(llhttp_t* parser, const char* at, std::size_t size) {
        response_parser& here = self(parser);
        if (!here.in_name_) {
            if (here.open_->names.empty()) {
                here.open_->names.reserve(usual_fields);
                here.open_->values.reserve(usual_fields);
            }
            here.open_->names.emplace_back();
            here.open_->values.emplace_back();
            here.in_name_ = true;
        }
        extend(here, here.open_->names.back(), at, size);
        return 0;
    }

    /// Not before: a name that is malformed is so wherever it is cut.
    static int header_field_complete(llhttp_t* parser) {
        response_parser& here = self(parser);
        const response_parser::section& section = *here.open_;
        if (section.names.size() <= here.limits_.fields) return 0;
        here.fail(kind::too_large, section.begin + section.names.back().begin,
                  fmt::format("more than {} header fields", here.limits_.fields));
        return HPE_USER;
    }

    static int header_value(llhttp_t* parser, const char* at, std::size_t size) {
        response_parser& here = self(parser);
        here.in_name_ = false;
        extend(here, here.open_->values.back(), at, size);
        return 0;
    }

    static int headers_complete(llhttp_t* parser) { return pause(self(parser), response_parser::pause::head); }

    static int body(llhttp_t* parser, const char* at, std::size_t size) {
        response_parser& here = self(parser);
        if (size == 0) return 0;
        here.body_ = {at, size};
        here.body_received_ += size;
        return pause(here, response_parser::pause::body);
    }

    static int chunk_extension(llhttp_t* parser, const char* at, std::size_t size) {
        response_parser& here = self(parser);
        here.extension_part_ += size;
        const std::size_t left = here.limits_.chunk_extensions - here.chunk_extensions_;
        if (size > left) {
            here.fail(kind::too_large, here.offset_of(at) + left,
                      fmt::format("more than {} bytes of chunk extensions", here.limits_.chunk_extensions));
            return HPE_USER;
        }
        here.chunk_extensions_ += size;
        return 0;
    }

    /// llhttp lets control characters through, and quotes that begin within a value.
    static int chunk_extension_value(llhttp_t* parser, const char* at, std::size_t size) {
        response_parser& here = self(parser);
        if (here.extension_part_ == 0 && size != 0) here.extension_quoted_ = *at == '"';
        const auto is_wrong = [&](char c) { return is_control_character(c) || (c == '"' && !here.extension_quoted_); };
        const char* found = std::find_if(at, at + size, is_wrong);
        if (found != at + size && !here.wrong_in_extension_) here.wrong_in_extension_ = here.offset_of(found);
        return chunk_extension(parser, at, size);
    }

    /// Not before, as with a name. What is wrong with an empty one is that something else stands in its place.
    static int chunk_extension_part_complete(llhttp_t* parser) {
        response_parser& here = self(parser);
        here.extension_malformed_ = std::exchange(here.extension_part_, 0) == 0 || here.wrong_in_extension_;
        return here.extension_malformed_ ? HPE_USER : 0;
    }

    static int chunk_header(llhttp_t* parser) {
        if (parser->content_length != 0) return 0;
        return pause(self(parser), response_parser::pause::last_chunk);
    }

    static int message_complete(llhttp_t* parser) { return pause(self(parser), response_parser::pause::message); }
};

namespace {

constexpr const char* not_http = "this is not HTTP: it does not begin with 'HTTP/'";

/// Of the status line, which llhttp takes for ended by two CR as well. Where the second character should be, or nothing.
std::optional<std::size_t> badly_ended(std::string_view text) {
    const std::size_t end = text.find_first_of("\r\n");
    if (text.substr(end, 2) == "\r\n") return std::nullopt;
    return end + 1;
}

} // namespace

const llhttp_settings_t& response_parser::settings() noexcept {
    static const llhttp_settings_t table = [] {
        llhttp_settings_t each;
        llhttp_settings_init(&each);
        each.on_status = response_callbacks::status;
        each.on_header_field = response_callbacks::header_field;
        each.on_header_field_complete = response_callbacks::header_field_complete;
        each.on_header_value = response_callbacks::header_value;
        each.on_headers_complete = response_callbacks::headers_complete;
        each.on_body = response_callbacks::body;
        each.on_chunk_extension_name = response_callbacks::chunk_extension;
        each.on_chunk_extension_name_complete = response_callbacks::chunk_extension_part_complete;
        each.on_chunk_extension_value = response_callbacks::chunk_extension_value;
        each.on_chunk_extension_value_complete = response_callbacks::chunk_extension_part_complete;
        each.on_chunk_header = response_callbacks::chunk_header;
        each.on_message_complete = response_callbacks::message_complete;
        return each;
    }();
    return table;
}

response_parser::response_parser(bool to_head, const response_limits& limits) : limits_(limits), to_head_(to_head) {
    start_response();
}

void response_parser::start_response() {
    llhttp_init(&parser_, HTTP_RESPONSE, &settings());
    parser_.data = this;
    head_ = {};
    open(head_section_);
}

std::uint64_t response_parser::offset_of(const char* at) const noexcept {
    return position_ + static_cast<std::uint64_t>(at - given_);
}

void response_parser::open(section& opened) {
    opened.text.clear();
    opened.begin = position_;
    opened.reason = {};
    opened.names.clear();
    opened.values.clear();
    opened.fields.clear();
    open_ = &opened;
    in_name_ = false;
}

void response_parser::close_section() {
    section& closed = *open_;
    const std::string_view text = closed.text;
    closed.fields.reserve(closed.names.size());
    const auto view = [&](const part& each) { return text.substr(each.begin, each.size); };
    for (std::size_t i = 0; i < closed.names.size(); ++i)
        closed.fields.push_back({view(closed.names[i]), trim(view(closed.values[i]))});
    open_ = nullptr;
}

bool response_parser::fail(kind what, std::uint64_t offset, std::string text) {
    error_ = {what, offset, std::move(text)};
    ended_ = step::failed;
    return false;
}

/// What llhttp does not look at.
bool response_parser::accept_head() {
    const section& here = head_section_;
    const std::string_view text = here.text;
    head_.status = parser_.status_code;
    head_.minor_version = parser_.http_minor;
    head_.reason = text.substr(here.reason.begin, here.reason.size);
    head_.fields = here.fields;
    head_.text = text;
    if (parser_.http_major != 1)
        return fail(kind::unsupported, here.begin, fmt::format("HTTP/{} is not spoken here", parser_.http_major));
    if (head_.status < 100)
        return fail(kind::malformed, here.begin, fmt::format("there is no status {:03}", head_.status));
    if (const auto wrong = badly_ended(text))
        return fail(kind::malformed, here.begin + *wrong, "the status line does not end with CR LF");
    if (std::any_of(head_.reason.begin(), head_.reason.end(), is_control_character))
        return fail(kind::malformed, here.begin + here.reason.begin, "a control character in the reason phrase");
    if (head_.status == 101)
        return fail(kind::unsupported, here.begin, "the server switches to another protocol (101)");
    if (head_.status < 200 && ++interim_responses_ > limits_.interim)
        return fail(kind::too_large, here.begin, fmt::format("more than {} interim responses", limits_.interim));
    bool close = false;
    bool keep_alive = head_.minor_version >= 1;
    for (const field& each : here.fields) {
        // RFC 9112, section 6.1: whoever says so in HTTP/1.0 may not mean it.
        if (head_.minor_version == 0 && equal_ignoring_case(each.name, "transfer-encoding")) close = true;
        if (!equal_ignoring_case(each.name, "connection")) continue;
        close = close || has_option(each.value, "close");
        keep_alive = keep_alive || has_option(each.value, "keep-alive");
    }
    keeps_connection_ = keep_alive && !close;
    if (to_head_ || has_no_body(head_.status)) {
        parser_.flags |= F_SKIPBODY;
        return true;
    }
    std::size_t codings = 0;
    for (std::size_t i = 0; i < here.fields.size(); ++i) {
        if (!equal_ignoring_case(here.fields[i].name, "transfer-encoding")) continue;
        if (++codings > 1 || !equal_ignoring_case(here.fields[i].value, "chunked"))
            return fail(kind::unsupported, here.begin + here.values[i].begin,
                        "a transfer coding other than chunked is not understood here");
    }
    if (codings != 0) parser_.flags |= F_CHUNKED; // which llhttp overlooks before a tab
    if ((parser_.flags & F_CONTENT_LENGTH) != 0) announced_ = parser_.content_length;
    if (codings == 0 && !announced_) keeps_connection_ = false; // the body ends with the connection
    return true;
}

response_parser::step response_parser::parse(std::string_view& bytes) {
    while (!ended_) {
        // llhttp passes over empty lines, which have no place before a response.
        if (open_ == &head_section_ && open_->text.empty() && (bytes.starts_with('\r') || bytes.starts_with('\n'))) {
            fail(kind::malformed, position_, not_http);
            break;
        }
        if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
        given_ = bytes.empty() ? "" : bytes.data();
        // No more than the section may still have, so that its limit holds to the byte.
        std::size_t size = bytes.size();
        if (open_ != nullptr) size = std::min(size, limits_.head - open_->text.size());
        const llhttp_errno_t error = llhttp_execute(&parser_, given_, size);
        if (error != HPE_OK) size = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - given_);
        if (open_ != nullptr) open_->text.append(given_, size);
        position_ += size;
        bytes.remove_prefix(size);

        if (error == HPE_OK) {
            if (open_ != nullptr && open_->text.size() == limits_.head)
                fail(kind::too_large, position_, fmt::format("a header section of more than {} bytes", limits_.head));
            else
                return step::more;
        } else if (error != HPE_PAUSED) {
            return explain(error, bytes);
        } else {
            switch (pause_) {
            case pause::none: break;
            case pause::body: return step::body;
            case pause::head:
                close_section();
                if (!accept_head()) return step::failed;
                return head_.status < 200 ? step::interim : step::head;
            case pause::last_chunk: open(trailer_section_); break;
            case pause::message:
                if (head_.status < 200) {
                    start_response();
                    break;
                }
                if (open_ != nullptr) close_section();
                ended_ = step::complete;
            }
        }
    }
    return *ended_;
}

response_parser::step response_parser::explain(llhttp_errno_t error, std::string_view rest) {
    if (ended_) return *ended_; // by ourselves, and explained
    if (extension_malformed_) {
        fail(kind::malformed, wrong_in_extension_.value_or(position_ - 1),
             "a chunk extension is malformed (RFC 9112, section 7.1.1)");
        return step::failed;
    }
    const char* reason = llhttp_get_error_reason(&parser_);
    std::string text = reason != nullptr && *reason != '\0' ? reason : llhttp_errno_name(error);
    if (error == HPE_INVALID_CONSTANT && open_ == &head_section_) {
        // The types of the two records by which a TLS server answers what is no TLS: alert and handshake (RFC 8446, 5.1).
        const bool is_tls = rest.starts_with('\x15') || rest.starts_with('\x16');
        text = is_tls ? "this is TLS, not HTTP" : not_http;
    }
    fail(kind::malformed, position_, std::move(text));
    return step::failed;
}

response_parser::step response_parser::finish() {
    if (ended_) return *ended_;
    if (open_ == &head_section_) {
        if (!open_->text.empty())
            fail(kind::cut_short, position_, "the connection ended in the middle of the head");
        else if (interim_responses_ != 0)
            fail(kind::empty, position_, "the connection ended after an interim response");
        else
            fail(kind::empty, position_, "the connection ended before a response began");
        return step::failed;
    }
    pause_ = pause::none;
    llhttp_finish(&parser_);
    if (pause_ == pause::message)
        ended_ = step::complete;
    else if (announced_)
        fail(kind::cut_short, position_,
             fmt::format("the connection ended after {} of the body's {} bytes", body_received_, *announced_));
    else
        fail(kind::cut_short, position_,
             fmt::format("the connection ended after {} bytes of a body in chunks, before {}", body_received_,
                         open_ != nullptr ? "the end of its trailers" : "its last chunk"));
    return *ended_;
}

} // namespace tuyau::http
