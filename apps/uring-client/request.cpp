#include "request.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

using tuyau::http::equal_ignoring_case;
using tuyau::http::is_token_character;
using tuyau::http::trim;

[[noreturn]] void refuse(const std::string& why) { throw failure(exit_code::usage, why); }

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

const header_line* find(const std::vector<header_line>& lines, std::string_view name) {
    for (const header_line& each : lines)
        if (equal_ignoring_case(each.name, name)) return &each;
    return nullptr;
}

/// The fields that say where the body ends are ours: a request that lies about it hangs or is taken for two.
void check_framing(const std::vector<header_line>& lines, std::size_t body_size) {
    bool has_length = false;
    for (const header_line& each : lines) {
        if (equal_ignoring_case(each.name, "transfer-encoding") && !each.line.empty())
            refuse("-H cannot set Transfer-Encoding: bodies are sent with a Content-Length");
        if (!equal_ignoring_case(each.name, "content-length")) continue;
        const auto value = trim(std::string_view(each.line).substr(std::min(each.line.size(), each.name.size() + 1)));
        if (value != std::to_string(body_size))
            refuse(fmt::format("-H cannot set another Content-Length than the body's, which is {}", body_size));
        if (std::exchange(has_length, true)) refuse("-H: a request has one Content-Length field");
    }
}

} // namespace

header_line header_line::parse(std::string_view text) {
    const auto control = std::find_if(text.begin(), text.end(), is_control);
    if (control != text.end())
        refuse(fmt::format("-H: a header field cannot contain the control character 0x{:02x}, at byte {}",
                           static_cast<unsigned char>(*control), control - text.begin()));
    const auto colon = text.find(':');
    const bool empty_value = colon == std::string_view::npos && text.ends_with(';');
    const auto name = text.substr(0, empty_value ? text.size() - 1 : colon);
    if (!is_token(name) || (colon == std::string_view::npos && !empty_value))
        refuse(fmt::format("-H '{}' is not 'Name: value' (nor 'Name:' to remove, nor 'Name;' to send empty)", text));
    if (empty_value) return {std::string(name), std::string(name) + ":"};
    const bool removes = trim(text.substr(colon + 1)).empty();
    return {std::string(name), removes ? std::string() : std::string(text)};
}

void check_method(std::string_view text) {
    if (!is_token(text)) refuse("-X: a method is one word of letters, digits and !#$%&'*+-.^_`|~");
    if (text == "CONNECT") refuse("-X CONNECT asks a proxy for a tunnel, which this program does not do");
}

request make_request(std::string method, const tuyau::http::url& where, const std::vector<header_line>& lines,
                     std::optional<std::string> body) {
    check_framing(lines, body ? body->size() : 0);
    std::string head = fmt::format("{} {} HTTP/1.1\r\n", method, where.target);
    const auto add = [&](std::string_view name, std::string_view value) {
        if (find(lines, name) == nullptr) head += fmt::format("{}: {}\r\n", name, value);
    };
    const header_line* host = find(lines, "Host");
    if (host != nullptr && !host->line.empty()) head += host->line + "\r\n"; // first, as RFC 9110, section 7.2, has it
    add("Host", where.authority());
    add("User-Agent", "uring-client/" URING_CLIENT_VERSION);
    add("Accept", "*/*");
    for (const header_line& each : lines) {
        if (each.line.empty() || &each == host) continue;
        if (equal_ignoring_case(each.name, "Host")) refuse("-H: a request has one Host field");
        head += each.line + "\r\n";
    }
    if (body) {
        add("Content-Length", std::to_string(body->size()));
        add("Content-Type", "application/x-www-form-urlencoded");
    }
    head += "\r\n";
    return {std::move(method), std::move(head), std::move(body)};
}

} // namespace uring_client
