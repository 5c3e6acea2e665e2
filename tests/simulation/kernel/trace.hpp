#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>

#include "timeline.hpp"

namespace simulation {

/// What passed between the program and the kernel: the last of it to be shown when something went wrong, and a sum of all of
/// it, by which two runs can be compared.
class trace {
public:
    enum class what : unsigned char { submitted, completed, call, note, entered, fault };

    struct entry {
        instant when;
        what kind;
        int ring;
        std::uint64_t request;
        int subject; // an operation, or the fault
        std::int64_t result;
        unsigned flags;
        const char* text; // of static storage
    };

    void add(const entry& next);

    /// Bytes that somebody sent: of the sum alone.
    void mix_in(const char* bytes, std::size_t size) noexcept;

    /// Writes every entry as it comes.
    void show_on(std::FILE* out) noexcept { out_ = out; }

    static const char* name_of_operation(int operation);

    void print_tail(std::FILE* out) const;

    std::uint64_t sum() const noexcept { return sum_; }
    std::uint64_t size() const noexcept { return size_; }

private:
    static constexpr std::size_t most_kept = 200;

    static void print(std::FILE* out, const entry& each);

    void mix(std::uint64_t value) noexcept { sum_ = (sum_ ^ value) * 0x100000001b3; }

    std::deque<entry> kept_;
    std::uint64_t sum_ = 0xcbf29ce484222325;
    std::uint64_t size_ = 0;
    std::FILE* out_ = nullptr;
};

} // namespace simulation
