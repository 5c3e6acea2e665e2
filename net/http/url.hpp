#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace tuyau::http {

/// The name and password in front of a host, without their percent encoding.
struct credentials {
    std::string user;
    std::string password;

    /// As a field such as Authorization has them (RFC 7617): `Basic `, and the two in base 64.
    std::string basic() const;

    friend bool operator==(const credentials&, const credentials&) = default;
};

/// Where an http or https URL points to (RFC 3986, RFC 9110, section 4.2): whom to connect to, and what to ask for.
struct url {
    std::string host; ///< a name or an address, IPv6 without its brackets
    std::uint16_t port = 80;
    std::string target = "/"; ///< path and query, as written; the fragment stays at home
    bool secure = false;      ///< https
    std::optional<credentials> user;

    /// The value of the Host field: brackets around IPv6, no zone, and the port unless it is the scheme's.
    std::string authority() const;

    /// As it is written, without user and password.
    std::string to_string() const;

    /// What of one that was put together by hand could not be sent as it stands; empty when nothing. `parse_url` makes none
    /// such.
    std::string fault() const;

    std::string_view scheme() const noexcept { return secure ? "https" : "http"; }

    /// Whether both have the same scheme, host and port (RFC 6454, section 5): what one may know, the other may.
    bool same_origin(const url& other) const noexcept;
};

/// The port of http and of https (RFC 9110, section 4.2).
constexpr std::uint16_t default_port(bool secure) noexcept { return secure ? 443 : 80; }

/// Why a text is no URL that can be asked for.
struct url_error {
    enum class kind {
        malformed,
        unsupported, ///< a scheme other than http and https
    };
    kind what;
    std::size_t offset; ///< of the byte that is wrong
    std::string text;   ///< in words, for whoever wrote the URL
};

/// Takes `text` apart. The scheme may be left out, as in `localhost:8080/path`, and is http then. Bytes that do not belong
/// are refused, not encoded, so that what is sent is what was written.
tl::expected<url, url_error> parse_url(std::string_view text);

/// Where `reference` leads from `base`, such as the Location of a response (RFC 3986, section 5.2). Spaces and bytes past
/// ASCII, which servers write there, are percent-encoded. The offset of an error counts in `reference` so encoded.
tl::expected<url, url_error> resolve_reference(const url& base, std::string_view reference);

} // namespace tuyau::http
