#include "request.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

using tuyau::http::client_field;
using tuyau::http::client_request;
using tuyau::http::equal_ignoring_case;
using tuyau::http::is_control_character;
using tuyau::http::is_token_character;
using tuyau::http::trim;

// From there on a server is asked before a body is sent, as with curl.
constexpr std::uint64_t large_body = 1 << 20;

[[noreturn]] void refuse(const std::string& why) { throw failure(exit_code::usage, why); }

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

const header_line* find(const std::vector<header_line>& lines, std::string_view name) {
    for (const header_line& each : lines)
        if (equal_ignoring_case(each.name, name)) return &each;
    return nullptr;
}

/// The fields that say where the body ends are ours: a request that lies about it hangs or is taken for two.
void check_framing(const std::vector<header_line>& lines, std::optional<std::uint64_t> body_size) {
    bool has_length = false;
    bool has_host = false;
    for (const header_line& each : lines) {
        if (equal_ignoring_case(each.name, "transfer-encoding") && !each.line.empty())
            refuse("-H cannot set Transfer-Encoding: bodies are sent with a Content-Length, or in chunks where their "
                   "size is not known");
        if (equal_ignoring_case(each.name, "host") && !each.line.empty() && std::exchange(has_host, true))
            refuse("-H: a request has one Host field");
        if (!equal_ignoring_case(each.name, "content-length")) continue;
        if (!body_size) refuse("-H cannot set a Content-Length: the body's is not known");
        if (trim(each.value()) != std::to_string(*body_size))
            refuse(fmt::format("-H cannot set another Content-Length than the body's, which is {}", *body_size));
        if (std::exchange(has_length, true)) refuse("-H: a request has one Content-Length field");
    }
}

/// The fields that are sent by default, in curl's order.
std::vector<client_field> default_fields(const message_options& options) {
    std::vector<client_field> fields;
    if (!options.range.empty()) fields.push_back({"Range", "bytes=" + options.range});
    fields.push_back({"User-Agent", options.agent.value_or("uring-client/" URING_CLIENT_VERSION)});
    const bool json = std::any_of(options.data.begin(), options.data.end(),
                                  [](const data_option& each) { return each.what == data_option::kind::json; });
    fields.push_back({"Accept", json ? "application/json" : "*/*"});
    if (!options.referer.empty()) fields.push_back({"Referer", options.referer});
    if (!options.cookie.empty()) fields.push_back({"Cookie", options.cookie});
    return fields;
}

tuyau::http::credentials credentials_of(const std::string& text) {
    const auto colon = text.find(':');
    return {text.substr(0, colon), text.substr(colon + 1)};
}

void check_value(std::string_view option, std::string_view value) {
    if (std::any_of(value.begin(), value.end(), is_control_character))
        refuse(fmt::format("{}: a header field cannot contain control characters", option));
}

} // namespace

header_line header_line::parse(std::string_view text) {
    const auto control = std::find_if(text.begin(), text.end(), is_control_character);
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

/// With the white space that stands before it, but for the one space that is sent anyway.
std::string_view header_line::value() const noexcept {
    auto value = std::string_view(line).substr(std::min(line.size(), name.size() + 1));
    if (value.starts_with(' ')) value.remove_prefix(1);
    return value;
}

void check_method(std::string_view text) {
    if (!is_token(text)) refuse("-X: a method is one word of letters, digits and !#$%&'*+-.^_`|~");
    if (text == "CONNECT") refuse("-X CONNECT asks a proxy for a tunnel, which this program does by itself");
}

std::string default_method(const message_options& options) {
    if (options.head_only) return "HEAD";
    if (!options.upload.empty()) return "PUT";
    return (options.data.empty() || options.data_in_query) && options.form.empty() ? "GET" : "POST";
}

tuyau::http::url read_url(const std::string& text) {
    auto url = tuyau::http::parse_url(text);
    if (url) return std::move(*url);
    if (url.error().what == tuyau::http::url_error::kind::unsupported)
        throw failure(exit_code::unsupported_scheme, url.error().text);
    throw failure(exit_code::malformed_url,
                  fmt::format("malformed URL: at byte {}, {}", url.error().offset, url.error().text));
}

client_request make_request(tuyau::http::url where, const message_options& options,
                            const std::vector<header_line>& lines, const body& sent) {
    for (const auto& [option, value] : {std::pair{"-A", options.agent.value_or("")},
                                        {"-e", options.referer},
                                        {"-b", options.cookie},
                                        {"-r", options.range},
                                        {"-u", options.user}})
        check_value(option, value);
    check_framing(lines, sent.size());
    client_request made;
    made.method = options.method.value_or(default_method(options));
    made.keep_method = options.method.has_value() && options.upload.empty(); // an upload of nothing would empty a file
    made.where = std::move(where);
    if (!options.user.empty()) made.where.user = credentials_of(options.user);
    made.body = sent.to_send();
    const auto add = [&](std::string name, std::string value) {
        if (find(lines, name) != nullptr) return;
        if (value.empty())
            made.without.push_back(std::move(name));
        else
            made.fields.push_back({std::move(name), std::move(value)});
    };
    for (client_field& each : default_fields(options)) add(std::move(each.name), std::move(each.value));
    for (const header_line& each : lines) {
        if (each.line.empty())
            made.without.push_back(each.name);
        else
            made.fields.push_back({each.name, std::string(each.value())});
    }
    if (made.body.is_there()) {
        const auto size = sent.size();
        if (size) add("Content-Length", std::to_string(*size));
        if (!sent.content_type.empty()) add("Content-Type", sent.content_type);
        made.expect_continue =
            !options.upload.empty() && size.value_or(large_body) >= large_body && find(lines, "expect") == nullptr;
    }
    return made;
}

} // namespace uring_client
