#include "terminal_text.hpp"

#include <cstddef>

#include <fmt/format.h>

namespace uring_client {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// Bytes of the character that begins with `first` (RFC 3629); 0 where none does.
std::size_t size_of_character(unsigned first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (first >= 0xe0 && first <= 0xef) return 3;
    if (first >= 0xf0 && first <= 0xf4) return 4;
    return 0;
}

bool is_continuation(unsigned byte) { return (byte & 0xc0) == 0x80; }

/// Neither another way to write a shorter one, nor half of a surrogate pair, nor beyond the last (RFC 3629, section 4).
bool is_second_of(unsigned first, unsigned second) {
    if (!is_continuation(second)) return false;
    if (first == 0xe0) return second >= 0xa0;
    if (first == 0xed) return second <= 0x9f;
    if (first == 0xf0) return second >= 0x90;
    if (first == 0xf4) return second <= 0x8f;
    return true;
}

/// Bytes of a whole character at the front; 0: none is there; npos: it may go on in the next piece.
std::size_t character_at(std::string_view rest) {
    const std::size_t size = size_of_character(byte_at(rest, 0));
    for (std::size_t i = 1; i < size; ++i) {
        if (i == rest.size()) return std::string_view::npos;
        const bool fits = i == 1 ? is_second_of(byte_at(rest, 0), byte_at(rest, 1)) : is_continuation(byte_at(rest, i));
        if (!fits) return 0;
    }
    return size;
}

bool is_control(std::string_view character) {
    const unsigned first = byte_at(character, 0);
    if (character.size() == 1) return (first < 0x20 && first != '\t' && first != '\n') || first == 0x7f;
    return first == 0xc2 && byte_at(character, 1) < 0xa0; // C1
}

void escape(std::string& shown, std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) shown += fmt::format("\\x{:02x}", byte_at(bytes, i));
}

/// Shows the front of `rest`, and takes it away; false when that has to wait for more.
bool show_one(std::string& shown, std::string_view& rest) {
    std::size_t size = character_at(rest);
    const bool is_return = rest.front() == '\r';
    if (size == std::string_view::npos || (is_return && rest.size() == 1)) return false;
    const bool ends_line = is_return && rest[1] == '\n';
    if (ends_line) {
        shown += "\r";
    } else if (size == 0 || is_control(rest.substr(0, size))) {
        size = size == 0 ? 1 : size;
        escape(shown, rest.substr(0, size));
    } else {
        shown += rest.substr(0, size);
    }
    rest.remove_prefix(size);
    return true;
}

} // namespace

std::string terminal_text::show(std::string_view piece) {
    std::string joined;
    if (!kept_.empty()) {
        joined = kept_.append(piece);
        kept_.clear();
        piece = joined;
    }
    std::string shown;
    shown.reserve(piece.size());
    while (!piece.empty() && show_one(shown, piece)) {}
    kept_ = piece;
    return shown;
}

std::string terminal_text::finish() {
    std::string shown;
    escape(shown, kept_);
    kept_.clear();
    return shown;
}

std::string shown_on_terminal(std::string_view text) {
    terminal_text one;
    std::string shown = one.show(text);
    return shown += one.finish();
}

std::string in_one_line(std::string_view text) {
    std::string shown = shown_on_terminal(text);
    std::string line;
    for (const char each : shown) {
        if (each == '\n')
            line += ' ';
        else if (each != '\r')
            line += each;
    }
    return line;
}

} // namespace uring_client
