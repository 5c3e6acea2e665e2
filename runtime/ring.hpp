#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>

#include <liburing.h>

#include <tuyau/runtime/completion.hpp>
#include <tuyau/runtime/features.hpp>

namespace tuyau {

struct ring_options {
    unsigned submission_entries = 512;  ///< requests prepared between two calls into the kernel before one is forced
    unsigned completion_entries = 8192; ///< completions that can wait unread before the kernel has to keep them aside
    feature_set without{};              ///< not to be used, as those that the environment names (`features_variable`)
};

/// What a ring has done so far: divided by a program's requests, what each costs.
struct ring_counts {
    std::uint64_t enters = 0;      ///< calls of io_uring_enter(2)
    std::uint64_t submissions = 0; ///< requests that the kernel has taken
    std::uint64_t completions = 0; ///< that were read
    std::uint64_t overflows = 0;   ///< times that a full completion queue made the kernel keep completions aside
};

/// Why no io_uring could be set up: what() names the cause and the remedy.
class ring_error : public std::system_error {
public:
    using std::system_error::system_error;
};

/// Owns one io_uring: prepares requests, submits them, hands completions to their targets.
///
/// Bound to the thread that makes it (IORING_SETUP_SINGLE_ISSUER). A target must live until its last completion (the
/// one without IORING_CQE_F_MORE) has been dispatched.
class ring {
public:
    /// Throws `ring_error`, and `std::invalid_argument` when the environment names an unknown feature. Does without the
    /// features that the kernel lacks, and makes smaller queues when locked memory is short.
    explicit ring(ring_options options = {});
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring();

    /// A request to fill in with one of liburing's `io_uring_prep_*`, whose completions go to `target`. Never fails:
    /// when the submission queue is full its requests are submitted first.
    io_uring_sqe& prepare(completion_target& target) {
        io_uring_sqe& sqe = free_entry();
        io_uring_sqe_set_data(&sqe, &target);
        ++in_flight_;
        return sqe;
    }

    /// Asks the kernel to end the target's request, as often as it takes. Only the target's own last completion says that
    /// it has ended.
    void cancel(completion_target& target);

    /// Asks the kernel to end every request of this ring that it finds at this moment.
    void cancel_all();

    /// Makes another ring, given by its descriptor, return from its wait (IORING_OP_MSG_RING). Completes to `on_failure`
    /// only if it fails, and is not counted as in flight.
    void wake_other(int descriptor, completion_target& on_failure);

    /// Completes to `target` each time that `descriptor` becomes readable, until a completion without IORING_CQE_F_MORE.
    /// Not counted as in flight.
    void watch(int descriptor, completion_target& target);

    /// What other rings know this one by.
    int descriptor() const noexcept { return ring_.ring_fd; }

    /// Submits what is prepared and reads what has completed, without sleeping.
    void poll() { enter(0, {}, {}); }

    /// Submits what is prepared and sleeps until something completes or `limit` has passed.
    void wait(std::optional<std::chrono::nanoseconds> limit) { enter(1, {}, limit); }

    /// The same, but goes on sleeping until `count` have completed or `most` has passed. Does not gather where the kernel
    /// cannot.
    void gather(unsigned count, std::chrono::microseconds most, std::optional<std::chrono::nanoseconds> limit) {
        enter(uses(feature::gathering_wait) ? count : 1, most, limit);
    }

    /// Reads what has completed, without a call into the kernel; how many completions there were.
    unsigned dispatch() noexcept;

    /// Requests whose last completion is still to come.
    std::uint64_t in_flight() const noexcept { return in_flight_; }

    /// Requests prepared and not yet submitted.
    unsigned prepared() const noexcept { return io_uring_sq_ready(&ring_); }

    /// Where the request lies that was prepared last, and whether one that lay there still waits to be submitted.
    unsigned last_prepared() const noexcept { return ring_.sq.sqe_tail - 1; }
    bool is_prepared(unsigned position) const noexcept { return position - *ring_.sq.khead < prepared(); }

    const ring_counts& counts() const noexcept { return counts_; }

    /// What is used of the kernel: what it offers and nobody has switched off.
    feature_set features() const noexcept { return features_; }
    bool uses(feature which) const noexcept { return features_.contains(which); }

    /// For what turned out later to be refused by the kernel.
    void do_without(feature which) noexcept { features_.erase(which); }

    /// For what concerns the whole ring, such as registering buffers.
    io_uring* native() noexcept { return &ring_; }

private:
    io_uring_sqe& free_entry() {
        if (io_uring_sqe* sqe = io_uring_get_sqe(&ring_)) [[likely]]
            return *sqe;
        return entry_after_submitting();
    }
    io_uring_sqe& entry_after_submitting();
    void cancel_again();
    void enter(unsigned wait_for, std::chrono::microseconds gathering, std::optional<std::chrono::nanoseconds> limit);

    io_uring ring_{};
    feature_set features_;
    std::uint64_t in_flight_ = 0;
    ring_counts counts_;
    list<completion_target> cancelling_; // until their last completion
    list<completion_target> missed_;     // of those, the ones whose cancel is to be made again
    unsigned misses_ = 0;
    bool cancel_missed_ = false;
    bool cancelling_again_ = false;
};

} // namespace tuyau
