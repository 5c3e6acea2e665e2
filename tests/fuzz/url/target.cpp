// A URL as a person writes it.

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <tuyau/net/http/url.hpp>

#include "../support/http_by_the_book.hpp"
#include "../support/promise.hpp"

using namespace tuyau::http;
using fuzz::require;

namespace {

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

void check_same_place(std::string_view text, const url& expected) {
    const auto read = parse_url(text);
    require(read.has_value(), "what is written from a URL is a URL");
    require(read->same_origin(expected) && read->host == expected.host && read->target == expected.target,
            "what is written from a URL leads to the same place");
}

/// The same text as a Location.
void check_reference(const url& base, std::string_view reference) {
    const auto led = resolve_reference(base, reference);
    if (!led) {
        require(!led.error().text.empty(), "what is wrong with a reference is told");
        return;
    }
    require(led->target.starts_with('/') && is_printable(led->target), "a reference leads to a target");
    const std::string_view path = std::string_view(led->target).substr(0, led->target.find('?'));
    require(path.find("/../") == path.npos && path.find("/./") == path.npos, "no dot segment is left in a path");
    require(!path.ends_with("/..") && !path.ends_with("/."), "no dot segment is left at its end");
    url without_zone = *led;
    without_zone.host = led->host.substr(0, led->host.find('%'));
    check_same_place(without_zone.to_string(), without_zone);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = parse_url(text);
    if (!read) {
        require(read.error().offset <= text.size(), "what is wrong lies in the text, or at its end");
        require(!read.error().text.empty() && fuzz::by_the_book::is_text(read.error().text),
                "what is wrong is told in one line");
        return 0;
    }
    require(!read->host.empty() && is_printable(read->host), "a host is printable");
    require(read->port != 0, "there is a port");
    require(read->target.starts_with('/') && is_printable(read->target), "a target is printable, and begins with /");
    require(read->target.find('#') == std::string::npos, "a fragment stays at home");
    require(is_printable(read->authority()), "an authority is printable");

    // What was written is what is sent.
    const auto end = std::min(text.find('#'), text.size());
    const auto sent = read->target == "/" ? std::string_view() : std::string_view(read->target);
    require(text.substr(0, end).ends_with(sent) || text.substr(0, end).ends_with(sent.substr(1)),
            "a target is as it was written");

    const bool is_ipv6 = read->host.find(':') != std::string::npos;
    std::string host = is_ipv6 ? fmt::format("[{}]", read->host) : read->host;
    // RFC 6874, section 2: a bare '%' before a zone that begins with 25 would be taken for its "%25".
    if (const auto percent = host.find('%'); percent != std::string::npos) host.replace(percent, 1, "%25");
    check_same_place(fmt::format("{}://{}:{}{}", read->scheme(), host, read->port, read->target), *read);
    url without_zone = *read;
    without_zone.host = read->host.substr(0, read->host.find('%'));
    check_same_place(without_zone.to_string(), without_zone);
    if (!read->secure) check_same_place(fmt::format("{}{}", read->authority(), read->target), without_zone);
    if (read->user) {
        const std::string field = read->user->basic();
        require(is_printable(std::string_view(field).substr(6)), "user and password become printable");
    }
    check_reference(*read, text);
    return 0;
}
