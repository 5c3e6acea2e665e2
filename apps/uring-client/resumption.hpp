#pragma once

#include <cstdint>
#include <string>

#include <tuyau/net/http/client/client_request.hpp>
#include <tuyau/net/http/response_parser.hpp>

namespace uring_client {

/// What tells a later request whether the page is still the same: a strong ETag, or a Last-Modified that is one (RFC 9110,
/// sections 8.8.2.2 and 8.8.3). Empty when there is none, or the body is not as the page.
std::string validator_of(const tuyau::http::response_head& head);

/// Asks for the bytes from `begin` on, if the page is still that of `validator` (RFC 9110, section 13.1.5).
void ask_for_rest(tuyau::http::client_request& asked, std::uint64_t begin, const std::string& validator);

/// What a server does about that.
enum class continuation {
    goes_on,      ///< it sends the rest
    begins_anew,  ///< it sends all, since the page is another one or cannot be sent in parts
    has_all,      ///< there is nothing behind what was there
    out_of_place, ///< it sends other bytes than those, or none
};
continuation continuation_of(const tuyau::http::response_head& head, std::uint64_t begin);

} // namespace uring_client
