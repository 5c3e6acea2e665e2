#include <tuyau/net/http/authority.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#include <arpa/inet.h>

namespace tuyau::http {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_hex_digit(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// The unreserved characters and the delimiters of RFC 3986, without the comma. A table: this is asked for each character
/// of every request's Host.
constexpr auto in_name = [] {
    std::array<bool, 256> table{};
    for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = table[c - ('a' - 'A')] = true;
    for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
    for (const unsigned char c : {'-', '.', '_', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ';', '='})
        table[c] = true;
    return table;
}();

constexpr bool is_in_name(char c) noexcept { return in_name[static_cast<unsigned char>(c)]; }

/// What stands in brackets: an IPv6 address, or one that is still to come (`v7.address`).
bool is_address(std::string_view text) noexcept {
    if (text.starts_with('v') || text.starts_with('V')) {
        const std::size_t dot = std::min(text.find('.'), text.size());
        const std::string_view version = text.substr(1, dot - 1);
        const std::string_view address = text.substr(std::min(dot + 1, text.size()));
        return !version.empty() && std::all_of(version.begin(), version.end(), is_hex_digit) && !address.empty() &&
               std::all_of(address.begin(), address.end(),
                           [](char c) { return c == ':' || c == ',' || is_in_name(c); });
    }
    std::array<char, INET6_ADDRSTRLEN> with_end{};
    if (text.size() >= with_end.size() || text.find('\0') != std::string_view::npos) return false;
    text.copy(with_end.data(), text.size());
    in6_addr ignored;
    return inet_pton(AF_INET6, with_end.data(), &ignored) == 1;
}

/// Where the host ends; npos if it is none.
std::size_t end_of_host(std::string_view text) noexcept {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        return end != std::string_view::npos && is_address(text.substr(1, end - 1)) ? end + 1 : std::string_view::npos;
    }
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if (is_in_name(text[at])) [[likely]]
            continue;
        if (text[at] == ':') break;
        if (text[at] != '%' || !is_percent_encoding(text, at)) return std::string_view::npos;
    }
    return at == 0 ? std::string_view::npos : at;
}

} // namespace

bool is_authority(std::string_view text, port_rule port) noexcept {
    const bool needs_port = port == port_rule::must_have_port;
    const std::size_t end = end_of_host(text);
    if (end == std::string_view::npos) return false;
    if (end == text.size()) return !needs_port;
    const std::string_view digits = text.substr(end + 1);
    if (text[end] != ':') return false;
    if (digits.empty()) return !needs_port;
    unsigned number = 0;
    constexpr unsigned highest = 65535;
    for (const char c : digits) {
        if (!is_digit(c)) return false;
        number = 10 * number + static_cast<unsigned>(c - '0');
        if (number > highest) return false;
    }
    return number != 0 || !needs_port;
}

bool is_percent_encoding(std::string_view text, std::size_t place) noexcept {
    return text.size() - place > 2 && is_hex_digit(text[place + 1]) && is_hex_digit(text[place + 2]);
}

} // namespace tuyau::http
