#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tuyau/net/http/client/client_request.hpp>
#include <tuyau/net/http/url.hpp>

#include "options_request.hpp"
#include "request_body.hpp"

namespace uring_client {

/// One line for the header section as the command line gave it.
struct header_line {
    std::string name;
    std::string line; ///< without its CR LF; empty: the field of that name is not to be sent

    /// From `Name: value`, from `Name:` which removes the field, or from `Name;` which sends it empty, as with curl.
    /// Throws a usage failure for anything else, line breaks among them: a value cannot smuggle in another field.
    static header_line parse(std::string_view text);

    std::string_view value() const noexcept;
};

/// Throws a usage failure when `text` cannot be a method here.
void check_method(std::string_view text);

/// The method, when -X names none.
std::string default_method(const message_options& options);

/// The URL to ask for. Throws a failure.
tuyau::http::url read_url(const std::string& text);

/// Makes the request: our own fields, each replaced or removed by one of `lines`, and the rest of these. It borrows from
/// `body`.
tuyau::http::client_request make_request(tuyau::http::url where, const message_options& options,
                                         const std::vector<header_line>& lines, const body& sent);

} // namespace uring_client
