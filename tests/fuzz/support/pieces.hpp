#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fuzz {

/// An input for a parser of streams: its first line says with which settings and in which pieces the rest is read.
///
/// The line's first character is a set of bits for the target. Each other is the size of a piece (`1` is one byte), one
/// after another and then again from the first; without any, the rest is one piece.
struct stream_input {
    unsigned settings = 0;
    std::string_view sizes;
    std::string_view bytes;

    stream_input(const std::uint8_t* data, std::size_t size) {
        const std::string_view all(reinterpret_cast<const char*>(data), size);
        const auto end = std::min(all.find('\n'), all.size());
        bytes = all.substr(std::min(end + 1, all.size()));
        if (end == 0) return;
        settings = static_cast<unsigned char>(all.front());
        sizes = all.substr(1, end - 1);
    }
};

constexpr std::string_view byte_by_byte = "1";
constexpr std::string_view in_one_piece = "";

/// Gives `bytes` to `read`, a piece at a time. Each is a copy of the exact size which is gone afterwards, so that the
/// address sanitizer sees what reads past it, or keeps a view of it.
template <typename Read>
void cut(std::string_view bytes, std::string_view sizes, Read read) {
    for (std::size_t i = 0; !bytes.empty(); ++i) {
        std::size_t size = bytes.size();
        if (!sizes.empty()) {
            const auto chosen = static_cast<unsigned char>(sizes[i % sizes.size()]);
            size = std::min<std::size_t>(size, chosen > '0' ? chosen - '0' : chosen + 1);
        }
        const auto piece = std::make_unique<char[]>(size);
        std::copy_n(bytes.begin(), size, piece.get());
        if (!read(std::string_view(piece.get(), size))) return;
        bytes.remove_prefix(size);
    }
}

} // namespace fuzz
