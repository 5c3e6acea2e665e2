#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tuyau/net/http/client/body_source.hpp>
#include <tuyau/runtime/task.hpp>

#include "input_file.hpp"
#include "options_request.hpp"

namespace uring_client {

/// What is sent with requests: text, or what comes out of files while it is sent.
struct body {
    std::optional<std::string> text;
    std::shared_ptr<composition> content;
    std::string content_type; ///< empty: none is told

    /// Bytes. Where that is not known, it can be sent only once.
    std::optional<std::uint64_t> size() const;

    /// Whether it was sent, or a part of it, and cannot be sent again.
    bool is_spent() const noexcept { return content && content->is_spent(); }

    /// For one request, from the start. Borrowed from this.
    tuyau::http::request_body to_send() const;
};

/// What the options -d and their like make the body, joined by `&`. Each is the text itself, `@FILE` for what FILE holds or
/// `@-` for standard input, without CR, LF and NUL unless it is binary, as with curl. Throws failures.
tuyau::task<std::string> read_data(std::vector<data_option> data);

/// The body that the options make. The files of -F and -T are opened, and read when it is sent. Throws failures.
tuyau::task<body> read_body(message_options options);

} // namespace uring_client
