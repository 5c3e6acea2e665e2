#pragma once

#include <string_view>

#include <tuyau/net/http/request_head.hpp>

namespace tuyau::http {

/// What is wrong with a request's target, in a sentence; empty if it is in one of the four forms that RFC 9112, section 3.2,
/// has for its method.
///
/// Its characters are those of RFC 3986, and a few that browsers leave as they are (`[ ] \ ^ { | }` and the grave accent; in
/// a query a percent sign that encodes nothing: WHATWG URL standard, section 1.3). What llhttp refuses is not looked for.
std::string_view fault_in_target(method asked, std::string_view target) noexcept;

} // namespace tuyau::http
