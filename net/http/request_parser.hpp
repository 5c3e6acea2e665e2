#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <llhttp.h>

#include <tuyau/net/http/refusal.hpp>
#include <tuyau/net/http/request_head.hpp>
#include <tuyau/runtime/frame_pool.hpp>

namespace tuyau::http {

/// Reads one connection's requests, however the network cut them, strictly: llhttp with no lenient flag, and above it the
/// rules that llhttp leaves open (RFC 9112).
///
/// Parses in place: a head that came in one piece is views into that piece. Only one that is cut in two is copied. What
/// views name must stay until the request is over. Keeps its memory for the next request.
class request_parser : public frame_pool::pooled {
public:
    enum class step {
        more,     ///< all bytes are consumed, and nothing is complete
        head,     ///< `current()` is known, and a body follows
        body,     ///< `piece()` is what comes next of it
        complete, ///< the request is over, with its body; after no `head` if it has none. The rest belongs to the next
        refused,  ///< see `why()`; nothing after it can be read
    };

    /// The limits must outlive the parser.
    explicit request_parser(const request_limits& limits) noexcept;
    request_parser(const request_parser&) = delete;
    request_parser& operator=(const request_parser&) = delete;
    ~request_parser() = default;

    /// Consumes bytes from the front, up to the next step: call it until that is `more`, without bytes too.
    step parse(std::string_view& bytes);

    const request_head& current() const noexcept { return request_; }

    /// After `body`: bytes of the body, without their chunks, in the bytes that were parsed.
    std::string_view piece() const noexcept { return piece_; }

    /// After `complete`: what came behind the last chunk (RFC 9112, section 7.1.2), until the next request.
    std::span<const field> trailers() const noexcept { return trailers_; }
    const refusal& why() const noexcept { return refusal_; }

    /// Whether a request has begun and is not complete.
    bool in_request() const noexcept { return begun_ && !complete_; }

    /// Whether it remembers nothing: it may read another connection's requests next.
    bool at_rest() const noexcept {
        return complete_ || (!begun_ && !in_empty_line_ && !judging_method_ && refusal_.status == 0);
    }

    /// Whether its header section is complete, so that what is missing is the body.
    bool in_body() const noexcept { return in_request() && head_complete_; }

private:
    friend struct request_callbacks;

    struct trailer_place {
        std::size_t name_end = 0;
        std::size_t value_end = 0;
    };

    static const llhttp_settings_t& settings() noexcept;

    void begin();
    bool refuse(int status, refusal_cause cause, std::string_view reason) noexcept;
    void keep_trailer(bool in_value, const char* bytes, std::size_t size);
    void show_trailers();
    void forget_trailers() noexcept;
    void extend(std::string_view& text, const char* bytes, std::size_t size);
    void extend_begun(std::string_view& text, const char* bytes, std::size_t size);
    void keep();
    bool is_host(std::string_view value) noexcept;
    bool check_head();
    bool check_protocol(char first) noexcept;
    bool skip_empty_lines(std::string_view& bytes) noexcept;
    std::size_t allowance() const noexcept;
    bool check_size(std::size_t size);
    step judge_method(std::string_view& bytes, bool began);
    step explain(llhttp_errno_t error, std::string_view& bytes, bool method_began);

    llhttp_t parser_;
    const request_limits& limits_;
    request_head request_;
    std::vector<field> fields_;
    std::string kept_; // what the views name, once the bytes they were read from are gone
    std::vector<field> trailers_;
    std::string kept_trailers_;               // each name and its value, without anything between
    std::vector<trailer_place> trailer_ends_; // in them
    std::string_view piece_;
    refusal refusal_;
    std::string_view given_; // the bytes in llhttp's hands
    std::array<char, 64> known_host_{};
    std::size_t known_host_size_ = 0;
    std::size_t head_size_ = 0;
    std::size_t unknown_method_size_ = 0;
    std::size_t extension_size_ = 0; // of the name or the value of a chunk's extension, so far
    std::uint64_t body_size_ = 0;
    std::uint64_t body_wire_size_ = 0; // with chunk sizes, extensions and trailers
    bool begun_ = false;
    bool target_complete_ = false;
    bool target_misplaced_ = false;
    bool protocol_next_ = false;
    bool value_began_ = false; // of the last field
    bool one_field_too_many_ = false;
    bool trailers_too_large_ = false;
    bool head_complete_ = false;
    bool complete_ = false;
    bool piece_came_ = false;
    bool judging_method_ = false;
    bool extension_quoted_ = false;
    bool extension_malformed_ = false;
    bool in_empty_line_ = false; // before a request: its CR has come
};

} // namespace tuyau::http
