#pragma once

#include <string>
#include <string_view>

namespace uring_client {

/// The text as one segment of a path, or a value in a query: all but letters, digits and `-._~` as %XX (RFC 3986, section
/// 2.3).
std::string percent_encoded(std::string_view text);

} // namespace uring_client
