#include "film.hpp"

#include <bit>
#include <cstdint>
#include <stdexcept>

namespace tests {
namespace {

std::string big_endian(std::uint64_t value) {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
    return bytes;
}

/// EBML's: an identifier, a size of eight bytes, the content (RFC 8794, section 5).
std::string element(std::uint32_t identifier, std::string_view content) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
        if (identifier >> shift != 0) bytes.push_back(static_cast<char>(identifier >> shift));
    return bytes + big_endian(std::uint64_t{1} << 56 | content.size()) + std::string(content);
}

std::string number(std::uint32_t identifier, std::uint64_t value) { return element(identifier, big_endian(value)); }

constexpr std::uint64_t tick = 1'000'000; // nanoseconds

std::string header() {
    return element(0x1A45DFA3, number(0x4286, 1) + number(0x42F7, 1) + number(0x42F2, 4) + number(0x42F3, 8) +
                                   element(0x4282, "webm") + number(0x4287, 2) + number(0x4285, 2));
}

std::string information(std::size_t seconds) {
    const double duration = static_cast<double>(seconds) * 1000;
    return element(0x1549A966, number(0x2AD7B1, tick) +
                                   element(0x4489, big_endian(std::bit_cast<std::uint64_t>(duration))) +
                                   element(0x4D80, "test") + element(0x5741, "test"));
}

std::string tracks(std::size_t width, std::size_t height) {
    const std::string video = element(0xE0, number(0xB0, width) + number(0xBA, height));
    return element(0x1654AE6B, element(0xAE, number(0xD7, 1) + number(0x73C5, 1) + number(0x83, 1) +
                                                 element(0x86, "V_VP8") + video));
}

std::string cluster(std::size_t second, std::string_view frame) {
    constexpr std::string_view of_the_track_a_key_frame("\x81\0\0\x80", 4);
    return element(0x1F43B675, number(0xE7, second * 1000) +
                                   element(0xA3, std::string(of_the_track_a_key_frame) + std::string(frame)));
}

/// Where each cluster lies, the first at `position`.
std::string index_of(std::size_t seconds, std::size_t position, std::size_t size) {
    std::string points;
    for (std::size_t second = 0; second < seconds; ++second, position += size)
        points += element(0xBB, number(0xB3, second * 1000) + element(0xB7, number(0xF7, 1) + number(0xF1, position)));
    return element(0x1C53BB6B, points);
}

std::size_t little_endian(std::string_view bytes) {
    std::size_t value = 0;
    for (std::size_t at = 4; at != 0; --at) value = value << 8 | static_cast<unsigned char>(bytes[at - 1]);
    return value;
}

} // namespace

std::string vp8_frame(std::string_view webp) {
    constexpr std::size_t head = 8; // of a chunk: its name, its size
    if (!webp.starts_with("RIFF") || webp.substr(head, 4) != "WEBP") throw std::runtime_error("no WebP picture");
    webp.remove_prefix(head + 4);
    while (webp.size() > head) {
        const std::size_t size = little_endian(webp.substr(4, 4));
        if (webp.starts_with("VP8 ")) return std::string(webp.substr(head, size));
        webp.remove_prefix(head + size + size % 2);
    }
    throw std::runtime_error("a WebP picture without VP8");
}

std::string make_film(std::string_view frame, std::size_t width, std::size_t height, std::size_t seconds) {
    const std::string before = information(seconds) + tracks(width, height);
    const std::size_t size = cluster(0, frame).size();
    const std::size_t first = before.size() + index_of(seconds, 0, size).size();
    std::string content = before + index_of(seconds, first, size);
    for (std::size_t second = 0; second < seconds; ++second) content += cluster(second, frame);
    return header() + element(0x18538067, content);
}

} // namespace tests
