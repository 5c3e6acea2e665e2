#include "scripted_response.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace simulation::scenarios {
namespace {

std::size_t some_size(random_source& random) {
    if (random.chance(0.02)) return random.between<std::size_t>(100'000, 200'000);
    return random.between<std::size_t>(0, random.one_of<std::size_t>(0, 10, 10, 300, 300, 3000, 20000));
}

/// The interim responses and the head up to its framing.
scripted_response begin(random_source& random, std::string_view status_line, bool with_heads) {
    scripted_response made;
    if (random.chance(0.2)) {
        for (auto count = random.between(1, 3); count != 0; --count)
            made.wire +=
                random.one_of("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n");
        made.final_begin = made.wire.size();
    }
    made.wire.append(status_line).append("\r\n");
    for (auto count = random.below(4); count != 0; --count)
        made.wire += random.one_of("Server: script\r\n", "X-Empty:\r\n", "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
                                   "Set-Cookie: a=b; Path=/\r\n");
    if (with_heads) made.shown = made.wire;
    return made;
}

void end_head(scripted_response& made, std::string_view framing, bool with_heads) {
    for (std::string* each : {&made.wire, &made.shown})
        if (each == &made.wire || with_heads) each->append(framing).append("\r\n");
    made.body_begin = made.wire.size();
    made.shown_before = made.shown.size();
}

void add_chunks(random_source& random, scripted_response& made, std::string_view body, bool with_heads) {
    while (!body.empty()) {
        const auto size =
            random.between<std::size_t>(1, std::min<std::size_t>(body.size(), random.one_of(9, 300, 20000)));
        made.wire += fmt::format("{:x}{}\r\n", size, random.chance(0.1) ? ";name=value" : "");
        made.wire.append(body.substr(0, size)).append("\r\n");
        body.remove_prefix(size);
    }
    const std::string_view trailer = random.chance(0.2) ? "Checksum: 17\r\n" : "";
    made.wire.append("0\r\n").append(trailer).append("\r\n");
    if (with_heads) made.shown += trailer;
}

} // namespace

std::string numbered_text(std::size_t size) {
    std::string text;
    text.reserve(size + 16);
    for (std::size_t number = 0; text.size() < size; ++number) text.append(std::to_string(number)).append(",");
    text.resize(size);
    return text;
}

scripted_response correct_response(random_source& random, bool to_head, bool with_heads) {
    const std::string_view status = random.one_of<std::string_view>("200 OK", "200 OK", "200", "404 Not Found",
                                                                    "500 Oh no", "204 No Content", "304 Not Modified");
    const auto framing = random.below(3);
    const std::string_view version = framing == 2 && random.chance(0.3) ? "HTTP/1.0 " : "HTTP/1.1 ";
    const bool has_space = status.size() > 3; // a status line has a blank behind its code, reason or not
    scripted_response made =
        begin(random, std::string(version).append(status).append(has_space ? "" : " "), with_heads);
    const bool has_no_body = to_head || status.starts_with("204") || status.starts_with("304");
    const std::string body = numbered_text(some_size(random));
    const bool closes = random.chance(0.3);
    const std::string_view connection = closes ? "Connection: close\r\n" : "";
    if (status.starts_with("204")) {
        end_head(made, connection, with_heads);
    } else if (framing == 0) {
        end_head(made, fmt::format("{}Content-Length: {}\r\n", connection, body.size()), with_heads);
    } else if (framing == 1) {
        end_head(made, std::string(connection).append("Transfer-Encoding: chunked\r\n"), with_heads);
    } else {
        end_head(made, connection, with_heads);
    }
    if (has_no_body) return made;
    made.body_size = body.size();
    made.shown += body;
    made.ends_with_connection = framing == 2;
    if (framing == 1)
        add_chunks(random, made, body, with_heads);
    else
        made.wire += body;
    return made;
}

scripted_response malformed_response(random_source& random, bool to_head, bool with_heads) {
    scripted_response made;
    if (!to_head && random.chance(0.5)) { // in the middle of a body
        made = begin(random, "HTTP/1.1 200 OK", with_heads);
        end_head(made, "Transfer-Encoding: chunked\r\n", with_heads);
        const std::string body = numbered_text(random.between<std::size_t>(1, 2000));
        made.shown += body;
        made.wire += fmt::format("{:x}\r\n{}", body.size(), body);
        made.wire += random.one_of("\r\nxyz\r\n", "too much\r\n0\r\n\r\n", "\r\n-1\r\n", "\r\n\r\n", "\n0\r\n\r\n",
                                   "\r\nfffffffffffffffff\r\n", "\r\n0\r\nNo colon\r\n\r\n");
    } else if (random.chance(0.2)) { // past the bounds of what a client takes
        made.wire = "HTTP/1.1 200 OK\r\n";
        if (random.chance(0.5))
            made.wire.append("X: ").append(70'000, 'x');
        else
            for (int count = 0; count < 300; ++count) made.wire += "X: y\r\n";
        made.wire += "\r\n\r\n";
    } else {
        const std::string_view text = random.one_of<std::string_view>(
            "SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01\x00\x02\x02\x50", "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 099 Odd\r\n\r\n", "HTTP/1.1 20 Odd\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA\x01: b\r\n\r\n", "HTTP/1.1 200 OK\r\n folded: b\r\n\r\n", "<html>hello</html>");
        const std::string_view framed = random.one_of<std::string_view>(
            "Content-Length: -1\r\n\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "Content-Length: 1x\r\n\r\n", "Content-Length: 99999999999999999999999\r\n\r\n",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding: gzip\r\n\r\n",
            "Transfer-Encoding: chunked, chunked\r\n\r\n");
        if (!to_head && random.chance(0.5))
            made.wire.append("HTTP/1.1 200 OK\r\n").append(framed);
        else
            made.wire = text;
    }
    made.is_malformed = true;
    return made;
}

} // namespace simulation::scenarios
