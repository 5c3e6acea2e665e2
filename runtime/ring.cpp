#include <tuyau/runtime/ring.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <poll.h>
#include <string>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr unsigned fewest_submissions = 8;
constexpr unsigned fewest_completions = 64;

/// From the most to the least efficient. DEFER_TASKRUN is there from Linux 6.1; what follows it serves kernels that
/// were built or patched without it.
constexpr std::array<unsigned, 3> ladder{
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_SUBMIT_ALL,
};

std::string cause_and_remedy(int error) {
    switch (error) {
    case EPERM:
    case EACCES:
        if (int level = system::io_uring_disabled(); level > 0)
            return "io_uring is switched off on this machine (kernel.io_uring_disabled = " + std::to_string(level) +
                   "); as root: sysctl -w kernel.io_uring_disabled=0";
        return "io_uring is not permitted here, most likely by a container's seccomp profile; run the container with a "
               "profile that allows io_uring_setup, io_uring_enter and io_uring_register (for Docker or Podman: "
               "--security-opt seccomp=PROFILE.json, or seccomp=unconfined)";
    case ENOSYS:
        return "this kernel has no io_uring (or a sandbox hides it); Linux 6.1 or newer, built with CONFIG_IO_URING, "
               "is "
               "needed";
    case ENOMEM:
        return "not enough locked memory for the ring's queues; raise the limit (ulimit -l, LimitMEMLOCK= in a systemd "
               "unit, --ulimit memlock= for Docker)";
    case EMFILE:
    case ENFILE:
        return "no file descriptor left for the ring; raise the limit (ulimit -n, LimitNOFILE= in a systemd unit)";
    case EINVAL: return "this kernel's io_uring is too old; Linux 6.1 or newer is needed";
    default: return "io_uring could not be set up";
    }
}

[[noreturn]] void fail(int error) { throw ring_error(error, std::system_category(), cause_and_remedy(error)); }

/// Sets up with the best flags that the kernel takes; 0 or a negative errno.
int set_up(io_uring& ring, const ring_options& options, unsigned submissions, unsigned completions) {
    int result = -EINVAL;
    for (unsigned flags : ladder) {
        if (!options.defer_task_work && (flags & IORING_SETUP_DEFER_TASKRUN) != 0) continue;
        if (!options.cooperative_task_work && (flags & IORING_SETUP_COOP_TASKRUN) != 0) continue;
        io_uring_params parameters{};
        parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        parameters.cq_entries = std::max(completions, submissions);
        result = io_uring_queue_init_params(submissions, &ring, &parameters);
        if (result != -EINVAL) break;
    }
    return result;
}

/// Tells a kernel that cannot run us by what its ring offers, never by its version: distributions patch. 0, or an errno.
int what_is_missing(io_uring& ring) {
    constexpr unsigned features =
        IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP | IORING_FEAT_FAST_POLL;
    if ((ring.features & features) != features) return EINVAL;
    constexpr unsigned operations = 256;
    alignas(io_uring_probe) std::array<std::byte, sizeof(io_uring_probe) + operations * sizeof(io_uring_probe_op)>
        space{};
    auto* probe = reinterpret_cast<io_uring_probe*>(space.data());
    if (int error = io_uring_register_probe(&ring, probe, operations); error < 0) return -error;
    // Came with Linux 6.0, as multishot receive did, which no probe shows.
    return io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) != 0 ? 0 : EINVAL;
}

} // namespace

ring::ring(ring_options options) {
    unsigned submissions = std::max(options.submission_entries, 1u);
    unsigned completions = std::max(options.completion_entries, 2u);
    int result = set_up(ring_, options, submissions, completions);
    if (result == -ENOMEM) {
        system::raise_locked_memory_limit();
        result = set_up(ring_, options, submissions, completions);
    }
    while (result == -ENOMEM && (submissions > fewest_submissions || completions > fewest_completions)) {
        submissions = std::max(submissions / 2, fewest_submissions);
        completions = std::max(completions / 2, fewest_completions);
        result = set_up(ring_, options, submissions, completions);
    }
    if (result < 0) fail(-result);
    if (int error = what_is_missing(ring_); error != 0) {
        io_uring_queue_exit(&ring_);
        fail(error);
    }
    io_uring_register_ring_fd(&ring_); // saves a descriptor look-up per call; without it the ring works all the same
}

ring::~ring() {
    require(in_flight_ == 0, "a ring was destroyed with requests in flight");
    io_uring_queue_exit(&ring_);
}

io_uring_sqe& ring::free_entry() {
    for (;;) {
        if (io_uring_sqe* sqe = io_uring_get_sqe(&ring_)) [[likely]]
            return *sqe;
        poll();
    }
}

void ring::cancel(completion_target& target) {
    io_uring_sqe& sqe = free_entry();
    io_uring_prep_cancel(&sqe, &target, 0);
    io_uring_sqe_set_flags(&sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(&sqe, uncounted);
}

void ring::cancel_all() {
    io_uring_sqe& sqe = free_entry();
    io_uring_prep_cancel64(&sqe, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    io_uring_sqe_set_flags(&sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(&sqe, uncounted);
}

void ring::watch(int descriptor, completion_target& target) {
    io_uring_sqe& sqe = free_entry();
    io_uring_prep_poll_multishot(&sqe, descriptor, POLLIN);
    io_uring_sqe_set_data64(&sqe, reinterpret_cast<std::uintptr_t>(&target) | uncounted);
}

void ring::wake_other(int descriptor, completion_target& on_failure) {
    io_uring_sqe& sqe = free_entry();
    io_uring_prep_msg_ring(&sqe, descriptor, 0, uncounted, 0);
    io_uring_sqe_set_flags(&sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(&sqe, reinterpret_cast<std::uintptr_t>(&on_failure) | uncounted);
}

void ring::enter(unsigned wait_for, std::optional<std::chrono::nanoseconds> limit) {
    int result;
    if (wait_for == 0) {
        result = io_uring_submit_and_get_events(&ring_);
    } else {
        __kernel_timespec timeout{};
        if (limit) {
            auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*limit);
            timeout.tv_sec = seconds.count();
            timeout.tv_nsec = (*limit - seconds).count();
        }
        io_uring_cqe* first = nullptr;
        result = io_uring_submit_and_wait_timeout(&ring_, &first, wait_for, limit ? &timeout : nullptr, nullptr);
    }
    if (io_uring_cq_has_overflow(&ring_)) ++overflows_;
    dispatch();
    // ETIME: the limit passed. EINTR: a signal. EAGAIN, EBUSY: the kernel is short of memory or of room for completions,
    // which reading them has just made; what it did not take stays prepared for the next call. EBADR: it lost
    // completions, which cannot be mended.
    bool expected = result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY;
    require(expected, "io_uring_enter failed in a way that has no remedy");
}

unsigned ring::dispatch() noexcept {
    unsigned count = 0;
    io_uring_cqe* cqe = nullptr;
    while (io_uring_cq_ready(&ring_) != 0 && io_uring_peek_cqe(&ring_, &cqe) == 0) {
        const std::uint64_t data = io_uring_cqe_get_data64(cqe);
        const int result = cqe->res;
        const unsigned flags = cqe->flags;
        // Given back before it is handled: a target that prepares a request may bring us here again.
        io_uring_cqe_seen(&ring_, cqe);
        ++count;
        auto* target = reinterpret_cast<completion_target*>(data & ~uncounted);
        if ((data & uncounted) == 0 && (flags & IORING_CQE_F_MORE) == 0) --in_flight_;
        if (target == nullptr) continue; // a cancel that came too late, or another ring that woke this one
        target->complete(result, flags);
    }
    return count;
}

} // namespace tuyau
