#pragma once

#include <cstdint>

namespace simulation {

/// All that is left to chance in a run comes from here: the same seed gives the same run. (SplitMix64; a whole distribution
/// of the standard library may differ between libraries.)
class random_source {
public:
    explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        std::uint64_t mixed = (state_ += 0x9e3779b97f4a7c15);
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }

    /// From 0 to `limit` - 1; 0 for a limit of 0.
    std::uint64_t below(std::uint64_t limit) noexcept { return limit == 0 ? 0 : next() % limit; }

    /// From `least` to `most`, both included.
    template <class Integer>
    Integer between(Integer least, Integer most) noexcept {
        return static_cast<Integer>(least + static_cast<Integer>(below(static_cast<std::uint64_t>(most - least) + 1)));
    }

    bool chance(double probability) noexcept {
        return probability > 0 && static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
    }

    /// One of the arguments.
    template <class T, class... Rest>
    T one_of(T first, Rest... rest) noexcept {
        const T all[] = {first, static_cast<T>(rest)...};
        return all[below(1 + sizeof...(rest))];
    }

private:
    std::uint64_t state_;
};

} // namespace simulation
