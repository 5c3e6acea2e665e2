#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <llhttp.h>

namespace tuyau::http {

/// `HTTP_GET`, `HTTP_HEAD`, …
using method = llhttp_method_t;

struct field {
    std::string_view name;
    std::string_view value; ///< without the white space around it
};

/// The value of the first field of that name, in any case; empty when there is none.
std::string_view value_of(std::span<const field> fields, std::string_view name) noexcept;

/// The head of one request, as it came: views into the bytes that it was read from, or into what the parser keeps of them.
struct request_head {
    http::method method = HTTP_GET;
    std::string_view target;
    std::uint8_t minor_version = 1; ///< of HTTP/1
    bool keep_alive = true;         ///< what the client wants, RFC 9112, section 9.3
    bool expects_continue = false;  ///< waits for a 100 before it sends the body, RFC 9110, section 10.1.1
    std::span<const field> fields;

    /// The path of the target without its query, whether the target names a host as well (RFC 9112, section 3.2) or not.
    std::string_view path() const noexcept;

    /// The host that is asked for, without its port: the target's, else that of the Host field (RFC 9112, sections 3.2.2 and
    /// 3.3). As it came; empty when there is none.
    std::string_view host() const noexcept;

    /// The value of the first field of that name, in any case; empty when there is none.
    std::string_view value_of(std::string_view name) const noexcept { return http::value_of(fields, name); }
};

/// A target in absolute form without its scheme; nothing for one in another form.
std::optional<std::string_view> without_scheme(std::string_view target) noexcept;

/// What a client may send. Past each bound the request is refused with the status named there.
struct request_limits {
    std::size_t target = 8192;        ///< bytes, 414
    std::size_t head = 32768;         ///< bytes of request line and header section, 431; of trailers and the like, 413
    std::size_t fields = 100;         ///< 431
    std::uint64_t body = 1024 * 1024; ///< bytes, 413
};

} // namespace tuyau::http
