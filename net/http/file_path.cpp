#include <tuyau/net/http/file_path.hpp>

#include <optional>
#include <vector>

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

/// Decodes one part into `name`.
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

bool is_hidden(std::string_view name, bool first) noexcept {
    return name.starts_with('.') && !(first && name == ".well-known");
}

} // namespace

file_path_result find_file_path(std::string_view path) {
    if (!path.starts_with('/')) return {{}, no_path};
    std::vector<std::string> parts;
    bool is_folder = true;
    while (!path.empty()) {
        path.remove_prefix(1); // the slash
        const std::string_view part = path.substr(0, path.find('/'));
        path.remove_prefix(part.size());
        std::string name;
        if (const refusal why = decode(part, name); why.status != 0) return {{}, why};
        is_folder = name.empty() || name == "." || name == "..";
        if (name == "..") {
            if (parts.empty()) return {{}, beyond};
            parts.pop_back();
        } else if (!is_folder) {
            parts.push_back(std::move(name));
        }
    }
    file_path_result all;
    all.found.is_folder = is_folder;
    for (const std::string& name : parts) {
        if (is_hidden(name, &name == &parts.front())) return {{}, hidden};
        if (!all.found.path.empty()) all.found.path.push_back('/');
        all.found.path.append(name);
    }
    if (parts.empty()) all.found.path.push_back('.');
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
