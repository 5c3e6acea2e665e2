#pragma once

#include <string>
#include <string_view>

namespace tuyau::http {

/// An HTML page for a person who got an error: the status, what it is called, and `sentence`, which is escaped.
std::string error_page(int status, std::string_view sentence);

/// Text as it has to be spelled inside HTML, between tags and in attributes with quotes of either kind.
std::string escape_html(std::string_view text);

} // namespace tuyau::http
