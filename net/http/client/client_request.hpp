#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tuyau/net/http/client/body_source.hpp>
#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/http/url.hpp>

namespace tuyau::http {

class client_observer;

/// A field that is to be sent.
struct client_field {
    std::string name;
    std::string value;
};

/// A request as a program makes it. The client adds what HTTP needs (Host, what tells the body's size), Authorization from
/// the URL, and what its options say, each unless `fields` has it or `without` names it.
struct client_request {
    std::string method = "GET";
    url where;
    std::vector<client_field> fields;
    request_body body;
    std::vector<std::string> without; ///< names of fields that are not to be added

    /// Send the body once the server wants it (RFC 9110, section 10.1.1), or has said nothing for
    /// `client_options::continue_time`.
    bool expect_continue = false;

    /// Keep the word of the method after a redirect by 301, 302 or 303, which would make it GET (the first two only POST).
    /// The body is dropped all the same, as with curl's -X and -d.
    bool keep_method = false;

    client_observer* observer = nullptr; ///< outlives the response

    const client_field* find(std::string_view name) const noexcept;
    bool adds(std::string_view name) const noexcept; ///< the client is to add a field of that name
    void remove(std::string_view name);              ///< all fields of that name
    bool wants_continue() const noexcept;
};

/// Whether it may be sent twice to the same effect (RFC 9110, section 9.2.2).
bool is_idempotent(std::string_view name) noexcept;

namespace detail {

/// What is written before the path of a request: nothing, or where a proxy is to send it.
enum class target_form { origin, absolute };

/// What of a request cannot be sent as it stands; empty when nothing is.
std::string fault_of(const client_request& asked);

/// Line and fields of a request, the empty line included. `extra`: whole lines, each with its end.
void write_head(std::string& head, const client_request& asked, target_form form, std::string_view extra);

} // namespace detail

} // namespace tuyau::http
