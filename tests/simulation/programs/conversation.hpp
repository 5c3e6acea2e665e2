#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace simulation::programs {

/// What is said of one direction of a connection, or of a pipe, by who sends into it.
struct direction {
    std::uint64_t sure = 0;      ///< bytes that were certainly sent
    std::uint64_t attempted = 0; ///< bytes that may have been sent
    bool ended = false;          ///< in an orderly way, after them
};

/// A connection as both its ends know it. What each says is a pattern that depends on the position, so that a byte that is
/// lost, repeated or misplaced shows at once.
struct conversation {
    static constexpr std::size_t greeting =
        8; ///< bytes at the beginning of what the client says: which conversation it is

    std::uint64_t number = 0;
    std::array<direction, 2> said; ///< by the client, by the server
    bool begun = false;            ///< the client has sent the greeting, and knows it
    bool served = false;           ///< the server has read the greeting
    bool disturbed = false;        ///< broken off, or cut short: an end does not mean that all has come

    char byte_at(unsigned speaker, std::uint64_t position) const noexcept {
        if (speaker == 0 && position < greeting) return static_cast<char>(number >> (8 * position));
        const std::uint64_t mixed = (number * 2 + speaker + 1) * 0x9e3779b97f4a7c15 + position * 0xbf58476d1ce4e5b9;
        return static_cast<char>(mixed >> 56);
    }

    std::string text(unsigned speaker, std::uint64_t from, std::size_t size) const {
        std::string made(size, '\0');
        for (std::size_t index = 0; index < size; ++index) made[index] = byte_at(speaker, from + index);
        return made;
    }

    /// Whether `bytes` are what was said at this position.
    bool matches(unsigned speaker, std::uint64_t from, std::string_view bytes) const noexcept {
        for (std::size_t index = 0; index < bytes.size(); ++index)
            if (bytes[index] != byte_at(speaker, from + index)) return false;
        return true;
    }
};

} // namespace simulation::programs
