#pragma once

#include <string_view>

namespace tuyau::http {

/// The reason phrase of a status code, `Not Found` for 404; empty for a code that is not in the IANA registry (RFC 9110,
/// section 15, and those after it).
std::string_view reason(int status) noexcept;

/// Whether a response with this status never has a body, whatever its head says (RFC 9112, section 6.3).
constexpr bool has_no_body(int status) noexcept { return status < 200 || status == 204 || status == 304; }

} // namespace tuyau::http
