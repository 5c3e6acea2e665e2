#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../kernel/random.hpp"

namespace simulation::programs {

/// What a program does next, choice after choice, as bytes say: those that a fuzzer makes up, or those of a seed. When they
/// have all been used the program is over, and winds down.
class choices {
public:
    explicit choices(std::vector<std::uint8_t> bytes) noexcept : bytes_(std::move(bytes)) {}

    static choices of_seed(random_source& random) {
        std::vector<std::uint8_t> bytes(random.one_of<std::size_t>(30, 100, 100, 300, 300, 1000));
        for (auto& each : bytes) each = static_cast<std::uint8_t>(random.next());
        return choices(std::move(bytes));
    }

    bool over() const noexcept { return next_ == bytes_.size(); }

    /// From 0 to `limit` - 1, of at most 256; 0 when it is over.
    std::size_t below(std::size_t limit) noexcept { return over() ? 0 : bytes_[next_++] % limit; }

    bool one_in(std::size_t count) noexcept { return below(count) == 1; }

    /// One of the arguments, the first when it is over.
    template <class T, class... Rest>
    T one_of(T first, Rest... rest) noexcept {
        const T all[] = {first, static_cast<T>(rest)...};
        return all[below(1 + sizeof...(rest))];
    }

private:
    std::vector<std::uint8_t> bytes_;
    std::size_t next_ = 0;
};

} // namespace simulation::programs
