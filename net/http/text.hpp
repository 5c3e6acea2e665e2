#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tuyau::http {

constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Equal but for the case of ASCII letters, as field names and many values are compared.
constexpr bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i)
        if (to_lower(left[i]) != to_lower(right[i])) return false;
    return true;
}

/// OWS, RFC 9110, section 5.6.3.
constexpr bool is_white_space(char c) noexcept { return c == ' ' || c == '\t'; }

/// Without the white space at either end.
constexpr std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && is_white_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Takes the first element of a comma-separated list (RFC 9110, section 5.6.1), without the white space around it.
constexpr std::string_view take_element(std::string_view& list) noexcept {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    return element;
}

/// Whether a comma-separated list such as that of Connection has the option, in any case.
constexpr bool has_option(std::string_view list, std::string_view option) noexcept {
    while (!list.empty())
        if (equal_ignoring_case(take_element(list), option)) return true;
    return false;
}

/// What no text of a message holds (RFC 9110, section 5.5), whatever llhttp lets through.
constexpr bool is_control_character(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

/// Appends the value of a field. Control characters become spaces: they would end the line.
inline void append_value(std::string& line, std::string_view value) {
    const auto from = static_cast<std::ptrdiff_t>(line.size());
    line.append(value);
    std::replace_if(line.begin() + from, line.end(), is_control_character, ' ');
}

/// A character of a token (RFC 9110, section 5.6.2), such as a method or a field name.
constexpr bool is_token_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

} // namespace tuyau::http
