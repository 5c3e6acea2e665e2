#pragma once

#include <cstddef>
#include <string_view>

namespace tuyau::http {

enum class port_rule { may_have_port, must_have_port };

/// Whether this is the host of an http URI, with or without a port: `example.org`, `[::1]:8080` (RFC 3986, sections 3.2.2
/// and 3.2.3). Not empty, without the name of a user (RFC 9110, section 4.2.4), and none of the lists that two fields in
/// one would be, though a comma may be in a name. A port that must be there is one of 1 to 65535.
bool is_authority(std::string_view text, port_rule port = port_rule::may_have_port) noexcept;

/// Whether two hexadecimal digits stand behind the percent sign at `place` of `text` (RFC 3986, section 2.1).
bool is_percent_encoding(std::string_view text, std::size_t place) noexcept;

} // namespace tuyau::http
