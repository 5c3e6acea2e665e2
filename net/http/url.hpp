#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace tuyau::http {

/// Where an http URL points to (RFC 3986, RFC 9110, section 4.2.1): whom to connect to, and what to ask for.
struct url {
    std::string host; ///< a name or an address, IPv6 without its brackets
    std::uint16_t port = 80;
    std::string target = "/"; ///< path and query, as written; the fragment stays at home

    /// The value of the Host field: brackets around IPv6, no zone, and the port unless it is 80.
    std::string authority() const;
};

/// Why a text is no URL that can be asked for.
struct url_error {
    enum class kind {
        malformed,
        unsupported, ///< a scheme other than http
    };
    kind what;
    std::size_t offset; ///< of the byte that is wrong
    std::string text;   ///< in words, for whoever wrote the URL
};

/// Takes `text` apart. The scheme may be left out, as in `localhost:8080/path`. Bytes that do not belong are refused, not
/// encoded, so that what is sent is what was written. User names and passwords are refused too.
tl::expected<url, url_error> parse_url(std::string_view text);

} // namespace tuyau::http
