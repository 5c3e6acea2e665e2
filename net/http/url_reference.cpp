#include <tuyau/net/http/url.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace tuyau::http {
namespace {

/// RFC 3986, section 5.2.4.
std::string without_dot_segments(std::string_view path) {
    std::string kept;
    const auto drop_last = [&] { kept.erase(std::min(kept.rfind('/'), kept.size())); };
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/', 1), path.size()); // of the segment and the slash before it
        const auto segment = path.substr(0, end);
        const bool is_last = end == path.size();
        path.remove_prefix(end);
        if (segment == "/.." || segment == "/.") {
            if (segment == "/..") drop_last();
            if (is_last) kept += '/';
        } else {
            kept += segment;
        }
    }
    return kept;
}

std::string encoded(std::string_view text) {
    std::string all;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        if (each == ' ' || byte >= 0x80)
            all += fmt::format("%{:02X}", byte);
        else
            all += each;
    }
    return all;
}

bool has_scheme(std::string_view reference) {
    const std::size_t end = reference.find_first_of(":/?#");
    if (end == std::string_view::npos || end == 0 || reference[end] != ':') return false;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto belongs = [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    };
    return is_letter(reference.front()) && std::all_of(reference.begin(), reference.begin() + end, belongs);
}

/// Path and query of a reference that has neither scheme nor authority.
std::string target_from(std::string_view base, std::string_view reference) {
    const std::size_t question = std::min(reference.find('?'), reference.size());
    const auto path = reference.substr(0, question);
    const auto query = reference.substr(question);
    const auto base_path = base.substr(0, base.find('?'));
    if (path.empty()) return std::string(query.empty() ? base : base_path).append(query);
    std::string whole;
    if (path.front() != '/') whole = base_path.substr(0, base_path.rfind('/') + 1);
    whole += path;
    return without_dot_segments(whole).append(query);
}

} // namespace

tl::expected<url, url_error> resolve_reference(const url& base, std::string_view reference) {
    std::string text = encoded(reference);
    if (has_scheme(text)) {
        if (text.find("://") != text.find(':'))
            return tl::unexpected(url_error{url_error::kind::unsupported, 0, "this is no URL of http or https"});
        auto absolute = parse_url(text);
        if (absolute) absolute->target = target_from("/", absolute->target);
        return absolute;
    }
    if (text.starts_with("//")) {
        const std::string scheme = fmt::format("{}:", base.scheme());
        auto absolute = parse_url(scheme + text);
        if (absolute)
            absolute->target = target_from("/", absolute->target);
        else
            absolute.error().offset -= std::min(absolute.error().offset, scheme.size());
        return absolute;
    }
    // Checked as a target like any other, by the parser.
    const std::string before = base.secure ? "https://x" : "http://x";
    const std::string path = target_from(base.target, std::string_view(text).substr(0, text.find('#')));
    auto checked = parse_url(before + path);
    if (!checked) {
        checked.error().offset =
            std::min(text.size(), checked.error().offset - std::min(checked.error().offset, before.size()));
        return checked;
    }
    url target = base;
    target.target = std::move(checked->target);
    return target;
}

} // namespace tuyau::http
