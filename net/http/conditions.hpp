#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <tuyau/net/http/request_head.hpp>

namespace tuyau::http {

/// What tells one state of a resource from another (RFC 9110, section 8.8).
struct validators {
    std::string_view entity_tag; ///< with its quotes, and `W/` before a weak one; empty if there is none
    std::optional<std::chrono::sys_seconds> modified;
};

enum class verdict : unsigned char {
    perform,            ///< as if there were no conditions
    not_modified,       ///< answer 304: the client has it
    precondition_failed ///< answer 412
};

/// Weighs If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since of a request for a resource that is there, in
/// the order of RFC 9110, section 13.2.2. A date that is none is as if it were not there. `now` is for dates of two digits.
verdict weigh_conditions(const request_head& asked, const validators& present, std::chrono::sys_seconds now);

/// Whether a Range is to be heeded as far as If-Range goes (RFC 9110, section 13.1.5): there is none, or it names the
/// present state. A weak tag never does, and of dates only one that is the same and was no longer new at `now`.
bool range_applies(const request_head& asked, const validators& present, std::chrono::sys_seconds now);

} // namespace tuyau::http
