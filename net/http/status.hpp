#pragma once

#include <string_view>

namespace tuyau::http {

/// The reason phrase of a status code, `Not Found` for 404; empty for a code that is not in the IANA registry (RFC 9110,
/// section 15, and those after it).
std::string_view reason(int status) noexcept;

} // namespace tuyau::http
