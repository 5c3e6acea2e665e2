#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "messages.hpp"

namespace uring_client {

/// One line on a terminal's standard error that tells how far a transfer is, and is gone when that is over.
class meter {
public:
    using clock = std::chrono::steady_clock;

    /// `before`: bytes that had come in an earlier run.
    meter(messages& where, std::string name, std::uint64_t before, std::optional<std::uint64_t> total);
    meter(const meter&) = delete;
    meter& operator=(const meter&) = delete;
    ~meter() { clear(); }

    /// So many bytes have come in this run. Draws a few times a second.
    void update(std::uint64_t received);

    void clear();

private:
    messages& where_;
    std::string name_;
    std::uint64_t before_;
    std::optional<std::uint64_t> total_;
    clock::time_point begun_;
    clock::time_point drawn_;
    bool is_shown_ = false;
};

/// The line of a meter, at most `width` columns: name, a bar, bytes, rate and remaining time.
std::string meter_line(const std::string& name, std::uint64_t present, std::optional<std::uint64_t> total,
                       double bytes_a_second, unsigned width);

} // namespace uring_client
