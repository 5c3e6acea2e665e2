#include <tuyau/net/http/ranges.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

constexpr std::uint64_t no_bound = ~std::uint64_t{0};

/// Digits alone; what is too large is as large as it can be.
std::optional<std::uint64_t> read_number(std::string_view text) noexcept {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? value : no_bound;
}

/// One part of the list: what it is of `size` bytes, of size 0 if it lies outside; nothing if it is malformed.
std::optional<byte_range> read_range(std::string_view text, std::uint64_t size) noexcept {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = read_number(text.substr(0, dash));
    const auto last = read_number(text.substr(dash + 1));
    if (dash == 0) { // the last so many
        if (!last) return std::nullopt;
        const std::uint64_t count = std::min(*last, size);
        return byte_range{size - count, count};
    }
    if (!first || (!last && dash + 1 != text.size()) || (last && *last < *first)) return std::nullopt;
    if (*first >= size) return byte_range{size, 0};
    const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
    return byte_range{*first, end - *first + 1};
}

/// Puts together what overlaps or touches, in the place of the last (RFC 9110, section 15.3.7.2).
void add(std::vector<byte_range>& parts, byte_range next) {
    for (auto each = parts.begin(); each != parts.end();) {
        const bool apart = next.begin > each->begin + each->size || each->begin > next.begin + next.size;
        if (apart) {
            ++each;
            continue;
        }
        const std::uint64_t end = std::max(next.begin + next.size, each->begin + each->size);
        const std::uint64_t begin = std::min(next.begin, each->begin);
        parts.erase(each);
        next = {begin, end - begin};
        each = parts.begin(); // it may now touch another
    }
    parts.push_back(next);
}

} // namespace

range_choice choose_ranges(std::string_view value, std::uint64_t size) {
    constexpr std::string_view unit = "bytes=";
    if (size == 0 || !equal_ignoring_case(value.substr(0, unit.size()), unit)) return {};
    value.remove_prefix(unit.size());
    range_choice all;
    std::size_t count = 0;
    while (!value.empty()) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const std::string_view next = trim(value.substr(0, comma));
        value.remove_prefix(std::min(comma + 1, value.size()));
        if (next.empty()) continue; // a list may have empty parts (RFC 9110, section 5.6.1.2)
        const auto part = read_range(next, size);
        if (!part || ++count > most_ranges) return {};
        if (part->size != 0) add(all.parts, *part);
    }
    if (count == 0) return {};
    if (all.parts.empty()) return {range_kind::unsatisfiable, {}};
    all.kind = range_kind::parts;
    return all;
}

} // namespace tuyau::http
