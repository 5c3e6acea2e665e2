#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "promise.hpp"

/// HTTP/1 read once more, as RFC 9112 has it and without regard to speed, to hold against what a parser has accepted:
/// what does not read well here should have been refused.
namespace fuzz::by_the_book {

struct field {
    std::string_view name;
    std::string_view value;
};

inline bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

inline bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < '\x7f' && std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string_view::npos;
    });
}

inline bool is_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
}

inline std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return result;
}

inline std::string_view without_white_space(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The next line without its CR LF, which must be there.
inline std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find("\r\n");
    require(end != std::string_view::npos, "every line ends with CR LF");
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    require(is_text(line), "no line holds a control character");
    return line;
}

/// Field lines up to and with the empty one.
inline std::vector<field> take_fields(std::string_view& rest) {
    std::vector<field> fields;
    for (auto line = take_line(rest); !line.empty(); line = take_line(rest)) {
        const auto colon = line.find(':');
        require(colon != std::string_view::npos, "every field has a colon");
        fields.push_back({line.substr(0, colon), without_white_space(line.substr(colon + 1))});
        require(is_token(fields.back().name), "a field's name is a token");
    }
    return fields;
}

inline bool is_hex(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// Each percent sign encodes something (RFC 3986, section 2.1).
inline bool is_encoded(std::string_view text) {
    for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
        if (at + 2 >= text.size() || !is_hex(text.substr(at + 1, 2))) return false;
    return true;
}

/// host [":" port] of an http URI (RFC 3986, section 3.2; RFC 9110, section 4.2).
inline bool is_authority(std::string_view text, bool needs_port) {
    const auto host_end = text.starts_with('[') ? text.find(']') : text.find(':');
    std::string_view host = text.substr(0, host_end);
    std::string_view rest = host_end == std::string_view::npos ? std::string_view() : text.substr(host_end);
    if (text.starts_with('[')) {
        if (rest.empty()) return false;
        host.remove_prefix(1);
        rest.remove_prefix(1);
        const bool is_of_the_future = host.starts_with('v') || host.starts_with('V');
        if (!is_of_the_future && (host.find(':') == std::string_view::npos ||
                                  host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos))
            return false;
    } else if (!is_encoded(host) || host.find_first_of("[]\"<>\\^`{|}/?#@, \t") != std::string_view::npos) {
        return false;
    }
    if (host.empty() || std::any_of(host.begin(), host.end(), [](char c) { return c <= ' ' || c > '~'; })) return false;
    if (rest.empty()) return !needs_port;
    const std::string_view digits = rest.substr(1);
    if (rest.front() != ':' || !std::all_of(digits.begin(), digits.end(), is_digit)) return false;
    if (digits.empty()) return !needs_port;
    std::uint64_t port = 0;
    for (const char c : digits) port = std::min<std::uint64_t>(10 * port + static_cast<std::uint64_t>(c - '0'), 65536);
    return port < 65536 && (port > 0 || !needs_port);
}

/// One of the four forms (RFC 9112, section 3.2), of the characters that may be in one.
inline bool is_target(std::string_view method, std::string_view target) {
    if (method == "CONNECT") return is_authority(target, true);
    if (target == "*") return method == "OPTIONS";
    std::string_view path = target;
    if (!target.starts_with('/')) {
        const auto scheme_end = target.find("://");
        const std::string scheme = lower(target.substr(0, scheme_end));
        if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) return false;
        path.remove_prefix(scheme_end + 3);
        const auto end = std::min(path.find_first_of("/?"), path.size());
        if (!is_authority(path.substr(0, end), false)) return false;
        path.remove_prefix(end);
    }
    return is_encoded(path.substr(0, path.find('?'))) && std::none_of(path.begin(), path.end(), [](char c) {
               return c <= ' ' || c > '~' || std::string_view("\"#<>").find(c) != std::string_view::npos;
           });
}

/// The values of all fields of that name, joined by commas as RFC 9110, section 5.2, allows; how many there are.
struct values {
    std::string text;
    std::size_t count = 0;
};
inline values values_of(const std::vector<field>& fields, std::string_view name) {
    values found;
    for (const field& each : fields) {
        if (lower(each.name) != name) continue;
        if (found.count++ != 0) found.text += ',';
        found.text += each.value;
    }
    return found;
}

/// Whether a list such as that of Connection has the option, in any case.
inline bool has_option(std::string_view list, std::string_view option) {
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        if (lower(without_white_space(list.substr(0, end))) == option) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

/// Where the body ends, by the fields of its head (RFC 9112, section 6.3).
struct framing {
    bool chunked = false;
    bool sized = false;
    std::uint64_t size = 0;

    explicit framing(const std::vector<field>& fields) {
        const values coding = values_of(fields, "transfer-encoding");
        const values length = values_of(fields, "content-length");
        chunked = coding.count != 0;
        sized = length.count != 0;
        require(!chunked || lower(coding.text) == "chunked", "the only transfer coding is chunked, and once");
        require(!chunked || !sized, "there is no Content-Length beside a Transfer-Encoding");
        require(length.count <= 1, "there is one Content-Length");
        if (!sized) return;
        require(!length.text.empty() && std::all_of(length.text.begin(), length.text.end(), is_digit),
                "a Content-Length is digits");
        for (char c : length.text) {
            const auto digit = static_cast<std::uint64_t>(c - '0');
            require(size <= (UINT64_MAX - digit) / 10, "a Content-Length fits its type");
            size = size * 10 + digit;
        }
    }
};

struct chunked_body {
    std::string data;
    std::vector<field> trailers;
};

/// *( ";" token [ "=" ( token / quoted-string ) ] ) (RFC 9112, section 7.1.1).
inline bool are_extensions(std::string_view text) {
    const auto take_token = [&text] {
        const auto end = std::min(text.find_first_of("=;\""), text.size());
        const bool good = is_token(text.substr(0, end));
        text.remove_prefix(end);
        return good;
    };
    while (!text.empty()) {
        if (text.front() != ';') return false;
        text.remove_prefix(1);
        if (!take_token()) return false;
        if (!text.starts_with('=')) continue;
        text.remove_prefix(1);
        if (!text.starts_with('"')) {
            if (!take_token()) return false;
            continue;
        }
        std::size_t end = 1;
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        if (end >= text.size()) return false;
        text.remove_prefix(end + 1);
    }
    return true;
}

/// A chunked body with its trailers and the last empty line.
inline chunked_body take_chunks(std::string_view& rest) {
    chunked_body body;
    for (;;) {
        std::string_view line = take_line(rest);
        std::uint64_t size = 0;
        std::size_t digits = 0;
        for (; digits < line.size(); ++digits) {
            const auto digit = std::string_view("0123456789abcdef").find(lower(line.substr(digits, 1)));
            if (digit == std::string_view::npos) break;
            require(size <= UINT64_MAX / 16, "a chunk's size fits its type");
            size = size * 16 + digit;
        }
        require(digits > 0, "a chunk has a size");
        require(are_extensions(line.substr(digits)), "behind a chunk's size come extensions, or nothing");
        if (size == 0) break;
        require(size <= rest.size(), "a chunk is as long as it says");
        body.data += rest.substr(0, size);
        rest.remove_prefix(size);
        require(take_line(rest).empty(), "a chunk's data is followed by CR LF");
    }
    body.trailers = take_fields(rest);
    return body;
}

} // namespace fuzz::by_the_book
