#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tuyau::http {

/// A part of some bytes. Never empty.
struct byte_range {
    std::uint64_t begin;
    std::uint64_t size;

    friend bool operator==(const byte_range&, const byte_range&) = default;
};

enum class range_kind : unsigned char {
    whole,         ///< there is no range that counts: answer with everything, 200
    parts,         ///< 206 with these
    unsatisfiable, ///< 416
};

struct range_choice {
    range_kind kind = range_kind::whole;
    std::vector<byte_range> parts; ///< in the order in which they were asked for
};

/// More than this many in one field are not heeded: nobody needs them, and each costs a head of its own.
inline constexpr std::size_t most_ranges = 32;

/// What the value of a Range field, empty if there is none, asks of `size` bytes (RFC 9110, section 14.2). One that is
/// malformed, of another unit, or of more than `most_ranges` parts does not count. Parts that overlap or touch are put
/// together, so that no byte is ever sent twice. `unsatisfiable` if nothing of what was asked for is there. Of nothing there
/// are no parts: it is answered whole, as the last bytes of it can be asked for (section 14.1.2).
range_choice choose_ranges(std::string_view value, std::uint64_t size);

} // namespace tuyau::http
