#include <tuyau/net/http/media_types.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

constexpr unsigned highest_weight = 100; // of the database's patterns
constexpr unsigned own_weight = highest_weight + 1;

struct known_type {
    std::string_view extension;
    std::string_view type;
};

// What pages are made of: right also where a system has no database, or one that calls them otherwise (text/javascript:
// RFC 9239; image/x-icon is what browsers know).
constexpr known_type own_types[] = {
    {".html", "text/html"},
    {".htm", "text/html"},
    {".css", "text/css"},
    {".js", "text/javascript"},
    {".mjs", "text/javascript"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain"},
    {".md", "text/markdown"},
    {".csv", "text/csv"},
    {".xml", "application/xml"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".ttf", "font/ttf"},
    {".otf", "font/otf"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".wav", "audio/wav"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".wasm", "application/wasm"},
    {".pdf", "application/pdf"},
    {".zip", "application/zip"},
    {".gz", "application/gzip"},
    {".zst", "application/zstd"},
};

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
    return lower;
}

/// Text is served as what it nearly always is.
std::string with_charset(std::string_view type) {
    std::string all(type);
    if (type.starts_with("text/")) all += "; charset=utf-8";
    return all;
}

std::string_view take_until(std::string_view& text, char end) noexcept {
    const std::size_t size = std::min(text.find(end), text.size());
    const std::string_view taken = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    return taken;
}

} // namespace

media_types::media_types() {
    for (const known_type& each : own_types) add(each.extension, each.type, own_weight);
}

void media_types::add(std::string_view key, std::string_view type, unsigned weight) {
    const auto [place, is_new] = types_.try_emplace(in_lower_case(key), entry{with_charset(type), weight});
    if (!is_new && place->second.weight < weight) place->second = {with_charset(type), weight};
}

void media_types::add_globs(std::string_view text) {
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        if (line.starts_with('#')) continue;
        const std::string_view number = take_until(line, ':');
        const std::string_view type = take_until(line, ':');
        std::string_view pattern = take_until(line, ':'); // what is behind it are flags
        unsigned weight = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), weight);
        if (error != std::errc() || end != number.data() + number.size() || weight > highest_weight) continue;
        if (pattern.starts_with("*.")) pattern.remove_prefix(1);
        if (type.empty() || pattern.empty() || pattern.find_first_of("*?[") != std::string_view::npos) continue;
        add(pattern, type, weight);
    }
}

result<void> media_types::add_globs_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return failure(ENOENT);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (file.bad()) return failure(EIO);
    add_globs(text);
    return {};
}

std::string_view media_types::of(std::string_view name) const {
    const std::string key = in_lower_case(name.substr(name.rfind('/') + 1));
    if (const auto found = types_.find(key); found != types_.end() && !key.starts_with('.')) return found->second.type;
    for (std::size_t dot = key.find('.', 1); dot != std::string::npos; dot = key.find('.', dot + 1))
        if (const auto found = types_.find(key.substr(dot)); found != types_.end()) return found->second.type;
    return "application/octet-stream";
}

} // namespace tuyau::http
