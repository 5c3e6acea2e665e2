#pragma once

#include <cstddef>
#include <string_view>

namespace tuyau::http {

/// Kinds of requests that are refused, to be counted by.
enum class refusal_cause : unsigned char {
    none,
    not_http,                ///< what came first is no request of any kind
    malformed_line,          ///< of the request
    target,                  ///< in none of the forms for its method
    target_too_long,
    unknown_method,
    version,                 ///< any but HTTP/1.0 and 1.1
    malformed_field,         ///< of the header section
    header_too_large,
    too_many_fields,
    host,                    ///< missing, repeated, or none that is one
    length,                  ///< a Content-Length that is none, repeated, or beside a Transfer-Encoding
    transfer_coding,         ///< unknown, or where none may be
    expectation,             ///< any but 100-continue
    malformed_chunk,         ///< or trailer
    body_too_large,
    chunk_framing_too_large, ///< with extensions and trailers
    too_slow,                ///< in sending its head or its body
    too_many_connections,    ///< of one address
};

inline constexpr std::size_t refusal_causes = 19;

/// In a few words, for a log: `header too large`.
std::string_view name_of(refusal_cause cause) noexcept;

/// Why a request was refused: what to answer, and a sentence for the person at the other end.
struct refusal {
    int status = 0;
    std::string_view reason;
    refusal_cause cause = refusal_cause::none;
};

} // namespace tuyau::http
