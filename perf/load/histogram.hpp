#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace load {

/// Counts times, each to within one part in 128, from a nanosecond up to centuries; of a fixed size.
class histogram {
public:
    void record(std::chrono::nanoseconds time) noexcept {
        const auto value = static_cast<std::uint64_t>(std::max<std::chrono::nanoseconds::rep>(time.count(), 0));
        ++counts_[index(value)];
        ++total_;
        most_ = std::max(most_, value);
    }

    /// The time that `share` (0 to 1) of all lie at or below; 0 when there are none.
    std::chrono::nanoseconds percentile(double share) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) return std::chrono::nanoseconds(std::min(middle(i), most_));
        }
        return most();
    }

    std::chrono::nanoseconds most() const noexcept { return std::chrono::nanoseconds(most_); }

private:
    // Values below 2 * steps have a place each; above, each power of two is cut into as many steps.
    static constexpr std::size_t steps = 128;
    static constexpr std::size_t exact_bits = std::bit_width(2 * steps) - 1;

    static std::size_t index(std::uint64_t value) noexcept {
        const auto bits = static_cast<std::size_t>(std::bit_width(value));
        const std::size_t shift = bits > exact_bits ? bits - exact_bits : 0;
        return shift * steps + static_cast<std::size_t>(value >> shift);
    }

    static std::uint64_t middle(std::size_t index) noexcept {
        if (index < 2 * steps) return index;
        const std::size_t shift = index / steps - 1;
        const std::uint64_t low = static_cast<std::uint64_t>(index - shift * steps) << shift;
        return low + (std::uint64_t{1} << shift) / 2;
    }

    std::array<std::uint64_t, (64 - exact_bits + 2) * steps> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t most_ = 0;
};

} // namespace load
