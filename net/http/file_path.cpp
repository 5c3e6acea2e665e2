#include <tuyau/net/http/file_path.hpp>

#include <optional>

namespace tuyau::http {
namespace {

constexpr refusal bad_escape{400, "The path has a % without two hexadecimal digits behind it (RFC 3986, section 2.1)."};
constexpr refusal bad_character{400, "The path has an escaped slash or NUL, which no file name has."};
constexpr refusal beyond{400, "The path leads beyond its beginning."};
constexpr refusal no_path{400, "The target is not a path."};
constexpr refusal hidden{404, "There is nothing here by that name."};

std::optional<unsigned> digit(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

/// Appends one part to `name`, decoded.
refusal decode(std::string_view part, std::string& name) {
    for (std::size_t i = 0; i < part.size(); ++i) {
        char c = part[i];
        if (c == '%') {
            if (part.size() - i < 3) return bad_escape;
            const auto high = digit(part[i + 1]);
            const auto low = digit(part[i + 2]);
            if (!high || !low) return bad_escape;
            c = static_cast<char>(*high * 16 + *low);
            if (c == '/' || c == '\0') return bad_character;
            i += 2;
        }
        if (c == '\\') return hidden;
        name.push_back(c);
    }
    return {};
}

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/// Whether a part of a plain path begins with a dot that is not for everybody to see.
bool is_hidden(std::string_view plain) noexcept {
    for (std::size_t slash = plain.find("/."); slash != std::string_view::npos; slash = plain.find("/.", slash + 1)) {
        const std::string_view part = plain.substr(slash + 1, plain.find('/', slash + 1) - slash - 1);
        if (slash != 0 || part != ".well-known") return true;
    }
    return false;
}

} // namespace

bool is_plain_path(std::string_view path) noexcept {
    if (!path.starts_with('/')) return false;
    char before = '\0';
    for (const char c : path) {
        if (c == '%' || c == '\\' || (before == '/' && (c == '/' || c == '.'))) return false;
        before = c;
    }
    return true;
}

refusal simplify_path(std::string_view path, std::string& plain) {
    if (!path.starts_with('/')) return no_path;
    plain = '/';
    while (!path.empty()) {
        path.remove_prefix(1); // the slash
        const std::string_view part = path.substr(0, path.find('/'));
        path.remove_prefix(part.size());
        const std::size_t begin = plain.size();
        if (const refusal why = decode(part, plain); why.status != 0) return why;
        const std::string_view name = std::string_view(plain).substr(begin);
        if (name == "..") {
            if (begin == 1) return beyond;
            plain.resize(plain.rfind('/', begin - 2) + 1);
        } else if (name.empty() || name == ".") {
            plain.resize(begin);
        } else if (!path.empty()) {
            plain.push_back('/');
        }
    }
    return is_hidden(plain) ? hidden : refusal{};
}

file_path_result find_file_path(std::string_view path) {
    file_path_result all;
    all.why = simplify_path(path, all.found.address);
    if (all.why.status != 0) return all;
    const std::string_view plain = all.found.address;
    all.found.is_folder = plain.ends_with('/');
    if (plain.size() == 1)
        all.found.path = '.';
    else
        all.found.path = plain.substr(1, plain.size() - (all.found.is_folder ? 2 : 1));
    return all;
}

std::string encode_path(std::string_view path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(path.size());
    for (const char c : path) {
        if (is_unreserved(c) || c == '/') {
            encoded.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded.push_back('%');
        encoded.push_back(digits[byte / 16]);
        encoded.push_back(digits[byte % 16]);
    }
    return encoded;
}

} // namespace tuyau::http
