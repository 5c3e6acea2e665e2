#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <llhttp.h>

#include <tuyau/net/http/request_head.hpp>

namespace tuyau::http {

/// The head of one response, as it came. The views are valid as long as the parser is on this response.
struct response_head {
    int status = 0;
    std::uint8_t minor_version = 1; ///< of HTTP/1
    std::string_view reason;
    std::span<const field> fields;
    std::string_view text; ///< all bytes of it, the empty line included

    /// The value of the first field of that name, in any case; empty when there is none.
    std::string_view value_of(std::string_view name) const noexcept { return http::value_of(fields, name); }
};

/// What a server may send. Past each bound the response is refused.
struct response_limits {
    std::size_t head = 65536;             ///< bytes of status line and header section, and of trailers
    std::size_t fields = 200;             ///< in the header section, and in the trailers
    std::size_t interim = 100;            ///< responses before the one that counts
    std::size_t chunk_extensions = 16384; ///< bytes, in all of a body
};

/// Why a response cannot be used.
struct response_error {
    enum class kind {
        malformed,
        too_large,   ///< past one of the limits
        unsupported, ///< well-formed, and not understood here
        cut_short,   ///< the stream ended inside it
        empty,       ///< the stream ended before it began, at most after interim ones
    };
    kind what = kind::malformed;
    std::uint64_t offset = 0; ///< of the byte that is wrong, or missing, counted from the start of the stream
    std::string text;         ///< in words
};

/// Reads the response to one request, however the network cut it, strictly: llhttp with no lenient flag, and above it the
/// rules that llhttp leaves open (RFC 9112). Bodies are views into the bytes that were given; only heads are copied.
class response_parser {
public:
    enum class step {
        more,     ///< all bytes are consumed, and there is nothing new
        interim,  ///< `head()` is an interim response (RFC 9110, section 15.2), another will follow
        head,     ///< `head()` is complete
        body,     ///< `body()` is the next piece
        complete, ///< the response is; what follows in the stream does not belong to it
        failed,   ///< see `why()`
    };

    /// `to_head`: the response answers a HEAD, and has no body whatever its fields say.
    explicit response_parser(bool to_head = false, const response_limits& limits = {});
    response_parser(const response_parser&) = delete;
    response_parser& operator=(const response_parser&) = delete;

    /// Consumes bytes from the front, up to the next step. To be called until there are no `more` steps in the bytes.
    step parse(std::string_view& bytes);

    /// The stream has ended: `complete`, which may be news (RFC 9112, section 6.3), or `failed`.
    step finish();

    const response_head& head() const noexcept { return head_; }
    std::string_view body() const noexcept { return body_; }

    /// The fields after a chunked body and their bytes as they came, once the response is complete.
    std::span<const field> trailers() const noexcept { return trailer_section_.fields; }
    std::string_view trailer_text() const noexcept { return trailer_section_.text; }

    /// The size of the body, where its head told it.
    std::optional<std::uint64_t> body_size() const noexcept { return announced_; }

    /// Whether the connection may be used again once the response is complete (RFC 9112, section 9.3).
    bool keeps_connection() const noexcept { return keeps_connection_; }

    /// Bytes of body, and of everything, so far.
    std::uint64_t body_received() const noexcept { return body_received_; }
    std::uint64_t received() const noexcept { return position_; }

    const response_error& why() const noexcept { return error_; }

private:
    friend struct response_callbacks;

    /// A part of something that is kept, by its place there.
    struct part {
        std::size_t begin = 0;
        std::size_t size = 0;
    };

    /// Lines of fields as they came: a head, or the trailers.
    struct section {
        std::string text;
        std::uint64_t begin = 0; // in the stream
        part reason;
        std::vector<part> names;
        std::vector<part> values;
        std::vector<field> fields; // once it is complete
    };

    static const llhttp_settings_t& settings() noexcept;

    void open(section& opened);
    void close_section();
    void start_response();
    bool accept_head();
    bool fail(response_error::kind what, std::uint64_t offset, std::string text);
    step explain(llhttp_errno_t error, std::string_view rest);
    std::uint64_t offset_of(const char* at) const noexcept;

    llhttp_t parser_;
    response_limits limits_;
    bool to_head_;

    section head_section_;
    section trailer_section_;
    section* open_ = nullptr;
    bool in_name_ = false;
    const char* given_ = nullptr; // the bytes in llhttp's hands
    std::uint64_t position_ = 0;  // of those in the stream

    response_head head_;
    std::string_view body_;
    std::optional<std::uint64_t> announced_;
    bool keeps_connection_ = false;
    std::uint64_t body_received_ = 0;
    std::size_t interim_responses_ = 0;
    std::size_t chunk_extensions_ = 0;
    std::size_t extension_part_ = 0;                  // bytes so far of a name or a value in them
    bool extension_quoted_ = false;                   // the value is
    bool extension_malformed_ = false;                // the part is
    std::optional<std::uint64_t> wrong_in_extension_; // the first byte that makes it so

    enum class pause { none, head, body, last_chunk, message } pause_ = pause::none;
    std::optional<step> ended_; // complete or failed, for good
    response_error error_;
};

} // namespace tuyau::http
