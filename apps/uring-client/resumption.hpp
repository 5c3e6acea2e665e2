#pragma once

#include <cstdint>
#include <optional>
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
struct continuation {
    enum class kind {
        goes_on,      ///< it sends the rest
        begins_anew,  ///< it sends all, since the page is another one or cannot be sent in parts
        has_all,      ///< there is nothing behind what was there
        out_of_place, ///< it sends other bytes than those, those of another page, or none
    };
    kind what;
    std::uint64_t rest = 0; ///< bytes of it: what the body must have
};

/// `body_size`: what the head tells of it.
continuation continuation_of(const tuyau::http::response_head& head, std::optional<std::uint64_t> body_size,
                             std::uint64_t begin, const std::string& validator);

} // namespace uring_client
