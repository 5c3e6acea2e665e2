// uring-client's -X, -d, URL and -H, one a line, and the request that they make.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <apps/uring-client/failure.hpp>
#include <apps/uring-client/request.hpp>
#include <apps/uring-client/request_body.hpp>

#include "../support/http_by_the_book.hpp"
#include "../support/promise.hpp"

using namespace uring_client;
namespace book = fuzz::by_the_book;
using fuzz::require;

namespace {

std::string_view take_word(std::string_view& rest) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

/// NUL for line breaks, which are between the options here.
std::string with_line_breaks(std::string_view text) {
    std::string result(text);
    std::replace(result.begin(), result.end(), '\0', '\n');
    return result;
}

void check_line(std::string_view text, const header_line& line) {
    require(book::is_token(line.name), "a field's name is a token");
    require(book::is_text(line.line), "a line holds no other line");
    require(text.starts_with(line.name), "a field's name is as it was written");
    if (line.line.empty()) return;
    require(line.line == text || line.line == line.name + ":", "a line is as it was written, or empty");
    require(line.line.starts_with(line.name + ":"), "a colon follows the name");
}

std::string expected_host(const std::vector<header_line>& lines, const tuyau::http::url& where) {
    bool removed = false;
    for (const header_line& each : lines) {
        if (book::lower(each.name) != "host") continue;
        if (!each.line.empty()) return std::string(book::without_white_space(each.line.substr(5)));
        removed = true;
    }
    return removed ? std::string() : where.authority();
}

void check_request(const tuyau::http::client_request& made, std::string_view method, const tuyau::http::url& where,
                   const std::vector<header_line>& lines) {
    if (!tuyau::http::detail::fault_of(made).empty()) return; // the client does not send it
    std::string text;
    tuyau::http::detail::write_head(text, made, tuyau::http::detail::target_form::origin, {});
    std::string_view head = text;
    require(book::take_line(head) == fmt::format("{} {} HTTP/1.1", method, where.target), "the request line is ours");
    const auto fields = book::take_fields(head);
    require(head.empty(), "a head ends with its only empty line");
    require(book::values_of(fields, "host").text == expected_host(lines, where), "the host is the one asked for");
    require(book::values_of(fields, "host").count <= 1, "there is one Host at most");
    const book::framing framing(fields);
    require(!framing.chunked, "bodies are not sent in chunks");
    require(framing.size == made.body.bytes().size(), "the length is the body's");
    require(framing.sized || !made.body.is_there(), "a body is sent with its length");
    for (const header_line& each : lines) {
        const auto sent = book::values_of(fields, book::lower(each.name));
        require(each.line.empty() || sent.count > 0, "each line is sent");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const std::string method(take_word(rest));
    const std::string_view written_body = take_word(rest);
    const auto where = tuyau::http::parse_url(take_word(rest));
    try {
        std::vector<header_line> lines;
        while (!rest.empty()) {
            const std::string text = with_line_breaks(take_word(rest));
            lines.push_back(header_line::parse(text));
            check_line(text, lines.back());
        }
        check_method(method);
        if (!where) return 0;
        message_options options;
        options.method = method;
        body sent;
        if (!written_body.empty()) sent.text = written_body.substr(1); // the first byte only says that there is one
        check_request(make_request(*where, options, lines, sent), method, *where, lines);
    } catch (const failure& why) {
        require(why.code() == exit_code::usage, "what is wrong is the command line");
        require(book::is_text(why.what()), "what is wrong is told in one line");
    }
    return 0;
}
