#include <tuyau/net/http/request_parser.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <tuyau/net/http/authority.hpp>
#include <tuyau/net/http/request_target.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/net/http/transfer_codings.hpp>

namespace tuyau::http {
namespace {

constexpr std::string_view only_http_1 = "Only HTTP/1.0 and HTTP/1.1 are spoken here.";
constexpr std::string_view framing_too_large = "The request's chunk extensions or trailers are too large.";
constexpr std::string_view unknown_method = "The request method is not known here.";

enum class known_field { none, host, connection, transfer_encoding, expect };

/// By the length first: most names are none of these.
known_field known_field_of(std::string_view name) noexcept {
    const auto if_equal = [name](std::string_view wanted, known_field known) {
        std::size_t same = 0;
        // This bit apart, letters of either case are the same, and nothing else that a name may hold is one of these.
        while (same < wanted.size() && (name[same] | 0x20) == wanted[same]) ++same;
        return same == wanted.size() ? known : known_field::none;
    };
    switch (name.size()) {
    case 4: return if_equal("host", known_field::host);
    case 6: return if_equal("expect", known_field::expect);
    case 10: return if_equal("connection", known_field::connection);
    case 17: return if_equal("transfer-encoding", known_field::transfer_encoding);
    default: return known_field::none;
    }
}

/// The length of each method's name, by its number.
constexpr auto method_sizes = [] {
    std::array<std::uint8_t, 64> sizes{};
#define TUYAU_SIZE(number, name, text) sizes[number] = sizeof #text - 1;
    HTTP_ALL_METHOD_MAP(TUYAU_SIZE)
#undef TUYAU_SIZE
    return sizes;
}();

} // namespace

/// Most texts come at once.
inline void request_parser::extend(std::string_view& text, const char* bytes, std::size_t size) {
    if (text.empty()) [[likely]]
        text = {bytes, size};
    else
        extend_begun(text, bytes, size);
}

/// llhttp's callbacks; 0 to go on.
struct request_callbacks {
    static request_parser& self(llhttp_t* parser) noexcept { return *static_cast<request_parser*>(parser->data); }

    static int message_begin(llhttp_t* parser) {
        self(parser).begin();
        return 0;
    }

    static int url(llhttp_t* parser, const char* bytes, std::size_t size) {
        request_parser& here = self(parser);
        if (here.request_.target.empty()) {
            // llhttp takes more than one space before it.
            const std::size_t place = here.head_size_ + static_cast<std::size_t>(bytes - here.given_.data());
            here.target_misplaced_ = place != method_sizes[here.request_.method] + std::size_t{1};
        }
        here.extend(here.request_.target, bytes, size);
        if (here.request_.target.size() > here.limits_.target) {
            here.refuse(414, refusal_cause::target_too_long, "The request target is too long.");
            return HPE_USER;
        }
        const char* end = bytes + size;
        const char* given_end = here.given_.data() + here.given_.size();
        here.target_complete_ = end != given_end;
        if (!here.target_complete_) return 0;
        if (*end == '\r' || *end == '\n') { // llhttp takes it for HTTP/0.9
            here.refuse(400, refusal_cause::malformed_line, "The request line has no version (RFC 9112, section 3).");
            return HPE_USER;
        }
        if (*end != ' ') return 0;
        if (here.target_misplaced_) {
            here.refuse(400, refusal_cause::malformed_line,
                        "One space goes between a request's method and its target.");
            return HPE_USER;
        }
        here.protocol_next_ = end + 1 == given_end;
        return here.protocol_next_ || here.check_protocol(end[1]) ? 0 : HPE_USER;
    }

    static int method_complete(llhttp_t* parser) {
        self(parser).request_.method = static_cast<http::method>(parser->method);
        return 0;
    }

    static int header_field(llhttp_t* parser, const char* bytes, std::size_t size) {
        request_parser& here = self(parser);
        if (here.head_complete_) {
            here.keep_trailer(false, bytes, size);
            return 0;
        }
        if (here.fields_.empty() || here.value_began_) {
            here.one_field_too_many_ = here.fields_.size() >= here.limits_.fields;
            if (here.one_field_too_many_) return 0;
            here.fields_.push_back({{bytes, size}, {}});
            here.value_began_ = false;
        } else {
            here.extend(here.fields_.back().name, bytes, size);
        }
        return 0;
    }

    /// Not before: a name that is malformed is so wherever it is cut.
    static int header_field_complete(llhttp_t* parser) {
        request_parser& here = self(parser);
        if (!here.one_field_too_many_) return 0;
        here.refuse(431, refusal_cause::too_many_fields, "The request has too many header fields.");
        return HPE_USER;
    }

    static int header_value(llhttp_t* parser, const char* bytes, std::size_t size) {
        request_parser& here = self(parser);
        if (here.head_complete_) {
            here.keep_trailer(true, bytes, size);
            return 0;
        }
        here.value_began_ = true;
        here.extend(here.fields_.back().value, bytes, size);
        return 0;
    }

    static int headers_complete(llhttp_t* parser) {
        request_parser& here = self(parser);
        here.head_complete_ = true;
        if (!here.check_head()) return HPE_USER;
        parser->upgrade = 0; // we switch to no other protocol, RFC 9110, section 7.8: the field is then ignored
        const bool has_body = (parser->flags & F_CHUNKED) != 0 || parser->content_length > 0;
        if (has_body) return HPE_PAUSED;
        here.request_.expects_continue = false;
        return 0;
    }

    static int body(llhttp_t* parser, const char* bytes, std::size_t size) {
        if (size == 0) return 0;
        request_parser& here = self(parser);
        here.body_size_ += size;
        if (here.body_size_ <= here.limits_.body) {
            here.piece_ = {bytes, size};
            here.piece_came_ = true;
            return HPE_PAUSED;
        }
        here.refuse(413, refusal_cause::body_too_large, "The request body is too large.");
        return HPE_USER;
    }

    static int chunk_extension_name(llhttp_t* parser, const char*, std::size_t size) {
        self(parser).extension_size_ += size;
        return 0;
    }

    static int chunk_extension_name_complete(llhttp_t* parser) { return end_extension_part(self(parser)); }

    /// llhttp lets control characters through, and quotes that begin within a value.
    static int chunk_extension_value(llhttp_t* parser, const char* bytes, std::size_t size) {
        request_parser& here = self(parser);
        for (const char c : std::string_view(bytes, size)) {
            if (here.extension_size_++ == 0) here.extension_quoted_ = c == '"';
            if (is_control_character(c) || (c == '"' && !here.extension_quoted_)) here.extension_malformed_ = true;
        }
        return 0;
    }

    static int chunk_extension_value_complete(llhttp_t* parser) { return end_extension_part(self(parser)); }

    /// Not before, as with a name: what is wrong is so wherever it is cut.
    static int end_extension_part(request_parser& here) {
        if (std::exchange(here.extension_size_, 0) != 0 && !here.extension_malformed_) return 0;
        here.refuse(400, refusal_cause::malformed_chunk, "A chunk extension is malformed (RFC 9112, section 7.1.1).");
        return HPE_USER;
    }

    static int message_complete(llhttp_t* parser) {
        request_parser& here = self(parser);
        if (here.trailers_too_large_) {
            here.refuse(413, refusal_cause::chunk_framing_too_large, framing_too_large);
            return HPE_USER;
        }
        // llhttp, which refuses what comes after the last request, sees no option before or behind a tab.
        if (here.request_.keep_alive) {
            parser->flags &= ~F_CONNECTION_CLOSE;
            parser->flags |= F_CONNECTION_KEEP_ALIVE;
        }
        if (!here.trailer_ends_.empty()) here.show_trailers();
        here.complete_ = true;
        return HPE_PAUSED;
    }
};

const llhttp_settings_t& request_parser::settings() noexcept {
    static const llhttp_settings_t table = [] {
        llhttp_settings_t each;
        llhttp_settings_init(&each);
        each.on_message_begin = request_callbacks::message_begin;
        each.on_method_complete = request_callbacks::method_complete;
        each.on_url = request_callbacks::url;
        each.on_header_field = request_callbacks::header_field;
        each.on_header_field_complete = request_callbacks::header_field_complete;
        each.on_header_value = request_callbacks::header_value;
        each.on_headers_complete = request_callbacks::headers_complete;
        each.on_body = request_callbacks::body;
        each.on_chunk_extension_name = request_callbacks::chunk_extension_name;
        each.on_chunk_extension_name_complete = request_callbacks::chunk_extension_name_complete;
        each.on_chunk_extension_value = request_callbacks::chunk_extension_value;
        each.on_chunk_extension_value_complete = request_callbacks::chunk_extension_value_complete;
        each.on_message_complete = request_callbacks::message_complete;
        return each;
    }();
    return table;
}

request_parser::request_parser(const request_limits& limits) noexcept : limits_(limits) {
    llhttp_init(&parser_, HTTP_REQUEST, &settings());
    parser_.data = this;
}

void request_parser::begin() {
    request_ = {};
    fields_.clear();
    kept_.clear();
    begun_ = true;
    if (!trailer_ends_.empty()) forget_trailers();
    body_size_ = 0;
    extension_size_ = 0;
    head_complete_ = target_complete_ = protocol_next_ = value_began_ = one_field_too_many_ = trailers_too_large_ =
        false;
}

bool request_parser::refuse(int status, refusal_cause cause, std::string_view reason) noexcept {
    refusal_ = {status, reason, cause};
    return false;
}

void request_parser::forget_trailers() noexcept {
    trailers_.clear();
    kept_trailers_.clear();
    trailer_ends_.clear();
}

void request_parser::extend_begun(std::string_view& text, const char* bytes, std::size_t size) {
    if (text.data() + text.size() == bytes) {
        text = {text.data(), text.size() + size};
    } else {
        // Its beginning is the last thing that was kept, and there is room behind it.
        kept_.append(bytes, size);
        text = {text.data(), text.size() + size};
    }
}

void request_parser::keep() {
    kept_.reserve(limits_.head + 1); // all that may still come: it never moves, and what is in it stays
    const auto keep_text = [this](std::string_view& text) {
        const char* place = kept_.data() + kept_.size();
        if (text.data() >= kept_.data() && text.data() < place) return;
        kept_.append(text);
        text = {place, text.size()};
    };
    keep_text(request_.target);
    for (field& each : fields_) {
        keep_text(each.name);
        keep_text(each.value);
    }
}

/// Bytes of the name or of the value of the trailer that is under way, which a name after a value begins.
void request_parser::keep_trailer(bool in_value, const char* bytes, std::size_t size) {
    if (!in_value && (trailer_ends_.empty() || value_began_)) {
        one_field_too_many_ = trailer_ends_.size() >= limits_.fields;
        if (!one_field_too_many_) trailer_ends_.emplace_back();
    }
    value_began_ = in_value;
    const std::size_t needed = kept_trailers_.size() + size;
    trailers_too_large_ = trailers_too_large_ || needed > limits_.head;
    if (one_field_too_many_ || trailers_too_large_) return;
    if (needed > kept_trailers_.capacity())
        kept_trailers_.reserve(std::min(limits_.head, std::max(needed, 2 * kept_trailers_.capacity())));
    kept_trailers_.append(bytes, size);
    trailer_ends_.back().value_end = kept_trailers_.size();
    if (!in_value) trailer_ends_.back().name_end = kept_trailers_.size();
}

void request_parser::show_trailers() {
    const std::string_view kept = kept_trailers_;
    std::size_t begin = 0;
    for (const auto& [name_end, value_end] : trailer_ends_) {
        trailers_.push_back({kept.substr(begin, name_end - begin), trim(kept.substr(name_end, value_end - name_end))});
        begin = value_end;
    }
}

/// A host that was one a request ago is one: most requests name the same, and to look at each of its characters takes
/// longer.
bool request_parser::is_host(std::string_view value) noexcept {
    if (value == std::string_view(known_host_.data(), known_host_size_)) [[likely]]
        return true;
    if (!is_authority(value)) return false;
    if (value.size() <= known_host_.size()) known_host_size_ = value.copy(known_host_.data(), value.size());
    return true;
}

bool request_parser::check_head() {
    if (parser_.http_major != 1 || parser_.http_minor > 1) return refuse(505, refusal_cause::version, only_http_1);
    request_.minor_version = parser_.http_minor;
    if (const auto fault = fault_in_target(request_.method, request_.target); !fault.empty())
        return refuse(400, refusal_cause::target, fault);
    std::size_t hosts = 0;
    bool encoded = false;
    transfer_codings codings;
    bool close = false;
    bool keep_alive = request_.minor_version == 1;
    for (field& each : fields_) {
        if (!each.value.empty() && (is_white_space(each.value.front()) || is_white_space(each.value.back())))
            each.value = trim(each.value);
        switch (known_field_of(each.name)) {
        case known_field::none: break;
        case known_field::host:
            ++hosts;
            if (!each.value.empty() && !is_host(each.value))
                return refuse(400, refusal_cause::host, "The Host field is not a host name (RFC 9112, section 3.2).");
            break;
        case known_field::connection:
            close = close || has_option(each.value, "close");
            keep_alive = keep_alive || has_option(each.value, "keep-alive");
            break;
        case known_field::transfer_encoding:
            if (request_.minor_version == 0)
                return refuse(400, refusal_cause::transfer_coding,
                              "Transfer-Encoding does not belong in HTTP/1.0 (RFC 9112, section 6.1).");
            encoded = true;
            codings.add(each.value);
            break;
        case known_field::expect:
            if (!equal_ignoring_case(each.value, "100-continue"))
                return refuse(417, refusal_cause::expectation, "The only expectation known here is 100-continue.");
            request_.expects_continue = request_.minor_version == 1;
            break;
        }
    }
    request_.fields = fields_;
    request_.keep_alive = keep_alive && !close;
    if (hosts > 1 || (hosts == 0 && request_.minor_version == 1))
        return refuse(400, refusal_cause::host,
                      "An HTTP/1.1 request has exactly one Host field (RFC 9112, section 3.2).");
    if (encoded && !codings.frame())
        return refuse(400, refusal_cause::transfer_coding,
                      "The last transfer coding of a request is chunked, and no other one is (RFC 9112, section 6.3).");
    if (codings.have_others())
        return refuse(501, refusal_cause::transfer_coding, "The only transfer coding known here is chunked.");
    if ((parser_.flags & F_CONTENT_LENGTH) != 0 && parser_.content_length > limits_.body)
        return refuse(413, refusal_cause::body_too_large, "The request body is too large.");
    return true;
}

/// By the byte behind the target's space. llhttp takes more spaces there, and the requests of RTSP and ICE.
bool request_parser::check_protocol(char first) noexcept {
    if (first == ' ')
        return refuse(400, refusal_cause::malformed_line, "One space goes between a request's target and its version.");
    return (first != 'R' && first != 'I') || refuse(505, refusal_cause::version, only_http_1);
}

/// How many bytes to read at most before limits are looked at: none can be passed before the last of them. So each holds
/// to the byte, and what is refused does not depend on where the bytes were cut.
std::size_t request_parser::allowance() const noexcept {
    if (begun_ && head_complete_) return limits_.head + 8 * body_size_ - body_wire_size_ + 1;
    const std::size_t of_head = std::max<std::size_t>(limits_.head - head_size_, 1);
    if (!begun_) return std::min(of_head, limits_.target + 1);
    return target_complete_ ? of_head : std::min(of_head, limits_.target - request_.target.size() + 1);
}

/// Of a request that is not complete after `size` more bytes.
bool request_parser::check_size(std::size_t size) {
    if (!head_complete_) {
        head_size_ += size;
        return head_size_ < limits_.head ||
               refuse(431, refusal_cause::header_too_large, "The request's header section is too large.");
    }
    // What is not data (chunk sizes and extensions, trailers) may be as much as a head, and a few bytes for each of data:
    // chunks of one byte have five.
    body_wire_size_ += size;
    return body_wire_size_ <= limits_.head + 8 * body_size_ ||
           refuse(413, refusal_cause::chunk_framing_too_large, framing_too_large);
}

/// Empty lines before a request are no part of it (RFC 9112, section 2.2). llhttp takes any CR and LF there.
bool request_parser::skip_empty_lines(std::string_view& bytes) noexcept {
    while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n' || in_empty_line_)) {
        if ((bytes.front() == '\n') != in_empty_line_)
            return refuse(400, refusal_cause::malformed_line, "A line ends with CR LF (RFC 9112, section 2.2).");
        in_empty_line_ = !in_empty_line_;
        bytes.remove_prefix(1);
    }
    return true;
}

request_parser::step request_parser::parse(std::string_view& bytes) {
    if (judging_method_) return judge_method(bytes, true);
    if (complete_) {
        begun_ = complete_ = false;
        head_size_ = body_wire_size_ = 0;
    }
    if (!begun_ && !skip_empty_lines(bytes)) return step::refused;
    // Behind the last piece of a body there is nothing to read, but its end to tell.
    while (!bytes.empty() || (in_body() && llhttp_get_errno(&parser_) == HPE_PAUSED)) {
        if (std::exchange(protocol_next_, false) && !check_protocol(bytes.front())) return step::refused;
        if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
        const bool had_begun = begun_;
        const char* begin = bytes.empty() ? "" : bytes.data();
        const std::size_t size = std::min(bytes.size(), allowance());
        given_ = {begin, size};
        const llhttp_errno_t error = llhttp_execute(&parser_, begin, size);
        if (error == HPE_OK) {
            bytes.remove_prefix(size);
            if (!check_size(size)) return step::refused;
            continue;
        }
        const char* stopped = llhttp_get_error_pos(&parser_);
        const auto consumed = static_cast<std::size_t>(stopped - begin);
        bytes.remove_prefix(consumed);
        if (error != HPE_PAUSED) {
            const bool method_began = stopped == begin ? had_begun : is_token_character(stopped[-1]);
            return explain(error, bytes, method_began);
        }
        if (complete_) return step::complete;
        if (!std::exchange(piece_came_, false)) return step::head;
        return check_size(consumed) ? step::body : step::refused;
    }
    if (begun_ && !head_complete_) keep();
    return step::more;
}

request_parser::step request_parser::explain(llhttp_errno_t error, std::string_view& bytes, bool method_began) {
    // llhttp's reasons are string literals.
    const std::string_view words = parser_.reason != nullptr ? parser_.reason : "The request is malformed.";
    if (refusal_.status != 0) return step::refused; // by ourselves
    const auto refuse_as = [&](refusal_cause cause) {
        refuse(400, cause, words);
        return step::refused;
    };
    switch (error) {
    case HPE_INVALID_METHOD: return judge_method(bytes, method_began);
    case HPE_INVALID_VERSION: // also for what follows the version
        if (words != "Invalid HTTP version") return refuse_as(refusal_cause::malformed_line);
        refuse(505, refusal_cause::version, only_http_1);
        return step::refused;
    case HPE_PAUSED_H2_UPGRADE: refuse(505, refusal_cause::version, only_http_1); return step::refused;
    case HPE_INVALID_CONSTANT: // also for the methods of other protocols that llhttp knows
        if (!words.starts_with("Invalid method")) return refuse_as(refusal_cause::malformed_line);
        refuse(501, refusal_cause::unknown_method, unknown_method);
        return step::refused;
    case HPE_INVALID_URL: return refuse_as(refusal_cause::target);
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH: return refuse_as(refusal_cause::length);
    case HPE_INVALID_TRANSFER_ENCODING: // also for one beside a Content-Length
        return refuse_as((parser_.flags & F_CONTENT_LENGTH) != 0 ? refusal_cause::length
                                                                 : refusal_cause::transfer_coding);
    case HPE_INVALID_CHUNK_SIZE: return refuse_as(refusal_cause::malformed_chunk);
    case HPE_STRICT: // for the end of the request line, and much else
        if (words == "Expected CRLF after version") return refuse_as(refusal_cause::malformed_line);
        [[fallthrough]];
    default:
        return refuse_as(in_body()          ? refusal_cause::malformed_chunk
                         : target_complete_ ? refusal_cause::malformed_field
                                            : refusal_cause::malformed_line);
    }
}

/// A method that nobody knows is a 501, and what is no method at all a 400: the bytes up to the first that is not part of
/// a token tell, wherever they are cut.
request_parser::step request_parser::judge_method(std::string_view& bytes, bool began) {
    constexpr std::size_t longest_method = 64;
    judging_method_ = true;
    const auto end = std::find_if_not(bytes.begin(), bytes.end(), is_token_character);
    const auto size = static_cast<std::size_t>(end - bytes.begin());
    unknown_method_size_ += size;
    began = (began || size > 0) && unknown_method_size_ <= longest_method;
    if (end == bytes.end() && began) {
        bytes.remove_prefix(size);
        return step::more;
    }
    if (end != bytes.end() && *end == ' ' && began)
        refuse(501, refusal_cause::unknown_method, unknown_method);
    else
        refuse(400, refusal_cause::not_http, "This is not an HTTP request.");
    return step::refused;
}

} // namespace tuyau::http
