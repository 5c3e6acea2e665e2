#include <tuyau/runtime/ring.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <utility>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/ring_setup.hpp>

namespace tuyau {
namespace {

// A request that is not counted as in flight: its target, or none, lies beside this bit.
constexpr std::uint64_t uncounted = 1;

// In place of no limit, where one is needed.
constexpr std::chrono::hours far{1};

// A cancel that finds nothing time and again is made again only so often.
constexpr unsigned misses_before_pause = 16;
constexpr std::chrono::milliseconds pause{1};

std::uint64_t uncounted_data(const completion_target* target) noexcept {
    return reinterpret_cast<std::uintptr_t>(target) | uncounted;
}

/// Completes to `target`, or to nobody, and only if it fails.
void report_failure_only(io_uring_sqe& sqe, const completion_target* target) noexcept {
    io_uring_sqe_set_flags(&sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(&sqe, uncounted_data(target));
}

template <class Ring> // so that it is compiled where liburing has the function, and nowhere else
int submit_and_gather(Ring& ring, unsigned count, std::chrono::microseconds most, __kernel_timespec& limit) {
    io_uring_cqe* first = nullptr;
    if constexpr (detail::can_gather)
        return io_uring_submit_and_wait_min_timeout(&ring, &first, count, &limit, static_cast<unsigned>(most.count()),
                                                    nullptr);
    else
        return -EINVAL;
}

/// The call into the kernel; its result, or a negative errno.
int submit_and_wait(io_uring& ring, unsigned wait_for, std::chrono::microseconds gathering,
                    std::optional<std::chrono::nanoseconds> limit) {
    if (wait_for == 0) return io_uring_submit_and_get_events(&ring);
    const bool gathers = wait_for > 1 && (!limit || *limit > gathering);
    if (gathers && !limit) limit = far; // without any, there is no limit to the gathering either (Linux 6.18)
    __kernel_timespec until{};
    if (limit) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*limit);
        until.tv_sec = seconds.count();
        until.tv_nsec = (*limit - seconds).count();
    }
    if (gathers) return submit_and_gather(ring, wait_for, gathering, until);
    io_uring_cqe* first = nullptr;
    return io_uring_submit_and_wait_timeout(&ring, &first, 1, limit ? &until : nullptr, nullptr);
}

} // namespace

ring::ring(ring_options options)
    : features_(detail::set_up(ring_, options, options.without | features_switched_off())) {}

ring::~ring() {
    require(in_flight_ == 0, "a ring was destroyed with requests in flight");
    detail::tear_down(ring_);
}

io_uring_sqe& ring::entry_after_submitting() {
    for (;;) {
        poll();
        if (io_uring_sqe* sqe = io_uring_get_sqe(&ring_)) return *sqe;
    }
}

void ring::cancel(completion_target& target) {
    cancelling_.push_back(target);
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) [[unlikely]] {
        sqe = &entry_after_submitting();
        // That may have brought the target's last completion, and with it the target's end.
        if (!cancelling_.contains(target)) {
            io_uring_prep_nop(sqe);
            return report_failure_only(*sqe, nullptr);
        }
    }
    io_uring_prep_cancel(sqe, &target, 0);
    report_failure_only(*sqe, nullptr);
}

// The kernel does not find a request that is on its way between two of its parts, such as a send that has sent some and
// is about to wait for room. It would go on as if nobody had asked.
void ring::cancel_again() {
    // Not from within, when the submission queue is full: whom that finds missed is cancelled once more after this.
    if (std::exchange(cancelling_again_, true)) return;
    cancel_missed_ = false;
    missed_.take(cancelling_);
    while (completion_target* each = missed_.pop_front()) cancel(*each);
    cancelling_again_ = false;
}

void ring::cancel_all() {
    io_uring_sqe& sqe = free_entry();
    io_uring_prep_cancel64(&sqe, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    report_failure_only(sqe, nullptr);
}

void ring::watch(int descriptor, completion_target& target) {
    io_uring_sqe& sqe = free_entry();
    io_uring_prep_poll_multishot(&sqe, descriptor, POLLIN);
    io_uring_sqe_set_data64(&sqe, uncounted_data(&target));
}

void ring::wake_other(int descriptor, completion_target& on_failure) {
    io_uring_sqe& sqe = free_entry();
    io_uring_prep_msg_ring(&sqe, descriptor, 0, uncounted, 0);
    report_failure_only(sqe, &on_failure);
}

void ring::enter(unsigned wait_for, std::chrono::microseconds gathering,
                 std::optional<std::chrono::nanoseconds> limit) {
    if (cancel_missed_) [[unlikely]] {
        if (wait_for != 0 && misses_ == misses_before_pause) {
            --misses_;
            limit = limit ? std::min<std::chrono::nanoseconds>(*limit, pause) : pause;
        } else {
            misses_ = cancelling_.empty() ? 0 : std::min(misses_ + 1, misses_before_pause);
            // With a full submission queue that reads completions, perhaps those that are waited for.
            if (!cancelling_.empty()) wait_for = 0;
            cancel_again();
        }
    }
    const unsigned taken_before = *ring_.sq.khead;
    const int result = submit_and_wait(ring_, wait_for, gathering, limit);
    ++counts_.enters;
    counts_.submissions += *ring_.sq.khead - taken_before;
    if (io_uring_cq_has_overflow(&ring_)) ++counts_.overflows;
    dispatch();
    // ETIME: the limit passed. EINTR: a signal. EAGAIN, EBUSY: the kernel is short of memory or of room for completions,
    // which reading them has just made; what it did not take stays prepared for the next call. EBADR: it lost
    // completions, which cannot be mended.
    bool expected = result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY;
    require(expected, "io_uring_enter failed in a way that has no remedy");
}

unsigned ring::dispatch() noexcept {
    unsigned count = 0;
    // The head is read anew, and each completion given back before it is handled: a target that prepares a request may
    // bring us here again.
    for (unsigned head; (head = *ring_.cq.khead) != io_uring_smp_load_acquire(ring_.cq.ktail);) {
        const io_uring_cqe& cqe = ring_.cq.cqes[head & ring_.cq.ring_mask];
        const std::uint64_t data = io_uring_cqe_get_data64(&cqe);
        const int result = cqe.res;
        const unsigned flags = cqe.flags;
        io_uring_cq_advance(&ring_, 1);
        ++count;
        ++counts_.completions;
        auto* target = reinterpret_cast<completion_target*>(data & ~uncounted);
        if ((data & uncounted) == 0 && (flags & IORING_CQE_F_MORE) == 0) {
            --in_flight_;
            if (target->linked()) [[unlikely]]
                target->unlink(); // from those that are being cancelled
        }
        if (target == nullptr) { // a cancel that found nothing, or another ring that woke this one
            if (result == -ENOENT) cancel_missed_ = true;
            continue;
        }
        target->complete(result, flags);
    }
    return count;
}

} // namespace tuyau
