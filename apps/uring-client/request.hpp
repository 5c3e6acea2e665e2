#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tuyau/net/http/url.hpp>

namespace uring_client {

/// One line for the header section as the command line gave it.
struct header_line {
    std::string name;
    std::string line; ///< without its CR LF; empty: the field of that name is not to be sent

    /// From `Name: value`, from `Name:` which removes the field, or from `Name;` which sends it empty, as with curl.
    /// Throws a usage failure for anything else, line breaks among them: a value cannot smuggle in another field.
    static header_line parse(std::string_view text);
};

/// A request in the two pieces in which it is sent.
struct request {
    std::string method;
    std::string head;
    std::optional<std::string> body;
};

/// Throws a usage failure when `text` cannot be a method here.
void check_method(std::string_view text);

/// Writes the head: our own fields, each replaced or removed by one of `lines`, and the rest of these.
request make_request(std::string method, const tuyau::http::url& where, const std::vector<header_line>& lines,
                     std::optional<std::string> body);

} // namespace uring_client
