#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <llhttp.h>

#include <tuyau/net/http/request.hpp>
#include <tuyau/runtime/frame_pool.hpp>

namespace tuyau::http {

/// Why a request was refused: what to answer, and a sentence for the person at the other end.
struct refusal {
    int status;
    std::string_view reason;
};

/// Reads one connection's requests, however the network cut them, strictly: llhttp with no lenient flag, and above it the
/// rules that llhttp leaves open (RFC 9112).
///
/// Parses in place: a request that came in one piece is views into that piece. Only what is cut in two is copied. Holds
/// no memory between requests.
class request_parser : public frame_pool::pooled {
public:
    enum class step {
        more,             ///< all bytes are consumed, and no request is complete
        request,          ///< `current()` is complete, its body skipped; the rest of the bytes belong to the next
        expects_continue, ///< the client waits for a 100 (RFC 9110, section 10.1.1) before it sends the body
        refused,          ///< see `why()`; nothing after it can be read
    };

    /// The limits must outlive the parser.
    explicit request_parser(const request_limits& limits) noexcept;
    request_parser(const request_parser&) = delete;
    request_parser& operator=(const request_parser&) = delete;
    ~request_parser();

    /// Consumes bytes from the front, up to the next step.
    step parse(std::string_view& bytes);

    const request& current() const noexcept { return request_; }
    const refusal& why() const noexcept { return refusal_; }

    /// Whether a request has begun and is not complete.
    bool in_request() const noexcept { return head_ != nullptr && !complete_; }

    /// Whether it remembers nothing: it may read another connection's requests next.
    bool at_rest() const noexcept {
        return complete_ || (head_ == nullptr && !judging_method_ && refusal_.status == 0);
    }

    /// Whether its header section is complete, so that what is missing is the body.
    bool in_body() const noexcept { return in_request() && head_complete_; }

private:
    static constexpr std::size_t most_fields = 100;

    struct head;
    friend struct request_callbacks;

    static const llhttp_settings_t& settings() noexcept;

    void begin();
    bool refuse(int status, std::string_view reason) noexcept;
    void extend(std::string_view& text, const char* bytes, std::size_t size);
    void keep();
    bool check_head();
    bool check_protocol(char first) noexcept;
    std::size_t allowance() const noexcept;
    bool check_size(std::size_t size);
    step judge_method(std::string_view& bytes, bool began);
    step explain(llhttp_errno_t error, std::string_view& bytes, bool method_began);

    llhttp_t parser_;
    const request_limits& limits_;
    std::unique_ptr<head> head_;
    request request_;
    refusal refusal_{};
    std::string_view given_; // the bytes in llhttp's hands
    std::size_t head_size_ = 0;
    std::size_t unknown_method_size_ = 0;
    std::uint64_t body_wire_size_ = 0; // with chunk sizes, extensions and trailers
    bool target_complete_ = false;
    bool target_misplaced_ = false;
    bool protocol_next_ = false;
    bool head_complete_ = false;
    bool complete_ = false;
    bool expects_continue_ = false;
    bool judging_method_ = false;
    bool control_character_ = false; // in a chunk extension
};

} // namespace tuyau::http
