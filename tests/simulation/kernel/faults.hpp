#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "random.hpp"

namespace simulation {

/// What a kernel may do to a program, and seldom does.
enum class fault : unsigned char {
    partial_submission,
    submission_eagain,
    submission_ebusy,
    interrupted_wait,
    spurious_wake_up,
    full_submission_queue,
    completion_queue_overflow,
    late_start,
    short_receive,
    short_send,
    interrupted_request,
    request_to_be_repeated,
    no_buffers,
    buffer_without_data,
    multishot_ended_with_data,
    multishot_ended_without_data,
    process_out_of_descriptors,
    system_out_of_descriptors,
    out_of_network_memory,
    failing_disk,
    full_disk,
    aborted_accept,
    connection_reset,
    connection_timed_out,
    connection_stalled,
    connection_refused,
    data_lost_by_reset,
    cancel_not_found,
    cancel_of_one_that_runs,
    result_despite_cancel,
    late_notification,
    message_refused,
    short_of_locked_memory,
    unnoticed_hang_up,
    feature_missing,
};

inline constexpr std::array<std::string_view, 35> fault_names{
    "partial submission",
    "submission EAGAIN",
    "submission EBUSY",
    "interrupted wait (EINTR)",
    "spurious wake-up",
    "full submission queue",
    "completion queue overflow",
    "request that starts late",
    "short receive",
    "short send",
    "interrupted request (EINTR)",
    "request to be repeated (EAGAIN)",
    "ENOBUFS with buffers left",
    "buffer without data",
    "multishot ended with data",
    "multishot ended without data",
    "EMFILE, or ENFILE of a new socket",
    "ENFILE",
    "ENOBUFS/ENOMEM of the network",
    "EIO of a file",
    "ENOSPC of a file",
    "connection aborted before accept",
    "ECONNRESET/EPIPE",
    "ETIMEDOUT",
    "connection stalled for an hour",
    "connection refused",
    "data lost by a reset",
    "cancel that finds nothing (ENOENT)",
    "cancel of one that runs (EALREADY)",
    "result despite cancel",
    "late zero-copy notification",
    "message to a ring refused",
    "ENOMEM (locked memory)",
    "end or reset behind data, not told",
    "feature missing",
};
inline constexpr std::size_t fault_kinds = fault_names.size();
static_assert(static_cast<std::size_t>(fault::feature_missing) + 1 == fault_kinds);

using fault_counts = std::array<std::uint64_t, fault_kinds>;

/// Which faults happen, how often, and how often they did. Each run has a weather of its own: most kinds are absent, a few
/// are rare, one or two may rage; a mixture of everything would hide what one of them alone can do.
class faults {
public:
    explicit faults(random_source& random) noexcept;

    /// Whether it happens now; counted if so.
    bool strikes(fault kind) noexcept {
        if (!random_.chance(probability(kind))) return false;
        count(kind);
        return true;
    }

    void count(fault kind) noexcept { ++counts_[index(kind)]; }
    const fault_counts& counts() const noexcept { return counts_; }

    double probability(fault kind) const noexcept { return calm_ ? 0 : probabilities_[index(kind)]; }
    void set(fault kind, double probability) noexcept { probabilities_[index(kind)] = probability; }

    /// No more faults: for the end of a scenario, which is to be orderly; and for scenarios that want none.
    void calm() noexcept { calm_ = true; }
    bool is_calm() const noexcept { return calm_; }

private:
    static std::size_t index(fault kind) noexcept { return static_cast<std::size_t>(kind); }

    random_source& random_;
    std::array<double, fault_kinds> probabilities_{};
    fault_counts counts_{};
    bool calm_ = false;
};

} // namespace simulation
