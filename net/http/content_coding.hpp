#pragma once

#include <span>
#include <string_view>

#include <tuyau/net/http/request_head.hpp>

namespace tuyau::http {

/// How content may be compressed on its way (RFC 9110, section 8.4.1; br: RFC 7932; zstd: RFC 8878).
enum class content_coding : unsigned char { identity, gzip, br, zstd };

/// As Content-Encoding names it; empty for `identity`, which is not named.
std::string_view name_of(content_coding coding) noexcept;

/// What to send to who asked, out of `available`, which does not name `identity`: that is always there. The client's
/// Accept-Encoding decides (RFC 9110, section 12.5.3), and where it leaves the choice, the order of `available`. If the
/// client takes none of all this it gets `identity` none the less, which the RFC prefers to a refusal.
content_coding choose_coding(const request_head& asked, std::span<const content_coding> available) noexcept;

} // namespace tuyau::http
