#include <tuyau/runtime/ring_setup.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>

#include <tuyau/runtime/ring.hpp>
#include <tuyau/runtime/ring_trouble.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau::detail {
namespace {

constinit std::atomic<unsigned> unmappings = 0;

constexpr unsigned feature_min_timeout = 1U << 15; // IORING_FEAT_MIN_TIMEOUT, which headers have since liburing 2.8
constexpr unsigned fewest_submissions = 8;
constexpr unsigned fewest_completions = 64;

/// From the most to the least efficient. DEFER_TASKRUN is there from Linux 6.1; what follows it serves kernels that
/// were built or patched without it.
constexpr std::array<unsigned, 3> ladder{
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_SUBMIT_ALL,
};

[[noreturn]] void fail(int error) { throw ring_error(error, std::system_category(), explain(error).text()); }

/// Makes a ring with the best flags that the kernel takes; 0 or a negative errno.
int make(io_uring& ring, feature_set without, unsigned submissions, unsigned completions) {
    int result = -EINVAL;
    for (unsigned flags : ladder) {
        if (without.contains(feature::defer_taskrun) && (flags & IORING_SETUP_DEFER_TASKRUN) != 0) continue;
        if (without.contains(feature::cooperative_taskrun) && (flags & IORING_SETUP_COOP_TASKRUN) != 0) continue;
        io_uring_params parameters{};
        parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        parameters.cq_entries = std::max(completions, submissions);
        result = io_uring_queue_init_params(submissions, &ring, &parameters);
        if (result != -EINVAL) break;
    }
    return result;
}

/// The same, with smaller queues where locked memory is short.
int make_what_fits(io_uring& ring, feature_set without, unsigned submissions, unsigned completions) {
    int result = make(ring, without, submissions, completions);
    if (result == -ENOMEM) {
        system::raise_locked_memory_limit();
        result = make(ring, without, submissions, completions);
    }
    while (result == -ENOMEM && (submissions > fewest_submissions || completions > fewest_completions)) {
        submissions = std::max(submissions / 2, fewest_submissions);
        completions = std::max(completions / 2, fewest_completions);
        result = make(ring, without, submissions, completions);
    }
    return result;
}

/// Makes one request that ends at once; its result.
template <class Prepare>
int outcome_of(io_uring& ring, Prepare prepare) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    prepare(*sqe);
    io_uring_cqe* cqe = nullptr;
    // The kernel may be short of memory for a moment (io_uring_enter(2)): what it did not take stays prepared.
    constexpr int most_tries = 100;
    int result = -EAGAIN;
    for (int tries = 0; tries < most_tries && (result == -EAGAIN || result == -EINTR); ++tries)
        result = io_uring_submit(&ring);
    if (result < 0) fail(-result);
    do result = io_uring_wait_cqe(&ring, &cqe);
    while (result == -EINTR);
    if (result < 0) fail(-result);
    const int outcome = cqe->res;
    io_uring_cqe_seen(&ring, cqe);
    return outcome;
}

/// Tells what a kernel can do by what its ring offers, never by its version: distributions patch.
feature_set what_it_offers(io_uring& ring) {
    constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP | IORING_FEAT_FAST_POLL;
    if ((ring.features & needed) != needed) fail(EINVAL);
    constexpr unsigned operations = 256;
    alignas(io_uring_probe) std::array<std::byte, sizeof(io_uring_probe) + operations * sizeof(io_uring_probe_op)>
        space{};
    auto* probe = reinterpret_cast<io_uring_probe*>(space.data());
    if (int error = io_uring_register_probe(&ring, probe, operations); error < 0) fail(-error);
    // Came with Linux 6.0, as did much that no probe shows.
    if (io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) == 0) fail(EINVAL);

    // All kernels that come so far have these, but may refuse to register one.
    feature_set offered{feature::registered_ring, feature::buffer_ring, feature::send_file};
    if ((ring.flags & IORING_SETUP_DEFER_TASKRUN) != 0) offered.insert(feature::defer_taskrun);
    if ((ring.flags & IORING_SETUP_COOP_TASKRUN) != 0) offered.insert(feature::cooperative_taskrun);
    if (io_uring_opcode_supported(probe, IORING_OP_MSG_RING) != 0) offered.insert(feature::message_ring);
    if (can_gather && (ring.features & feature_min_timeout) != 0) offered.insert(feature::gathering_wait);
    // No probe shows a flag inside a request. A kernel looks at the flags before it looks for the descriptor.
    constexpr int none = -1;
    const int receive = outcome_of(ring, [](io_uring_sqe& sqe) {
        io_uring_prep_recv_multishot(&sqe, none, nullptr, 0, 0);
        io_uring_sqe_set_flags(&sqe, IOSQE_BUFFER_SELECT);
    });
    if (receive == -EBADF) offered.insert(feature::multishot_receive);
    const int accept =
        outcome_of(ring, [](io_uring_sqe& sqe) { io_uring_prep_multishot_accept(&sqe, none, nullptr, nullptr, 0); });
    if (accept == -EBADF) offered.insert(feature::multishot_accept);
    return offered;
}

} // namespace

void after_mapping() noexcept { static_cast<void>(unmappings.load(std::memory_order_acquire)); }
void before_unmapping() noexcept { unmappings.fetch_add(1, std::memory_order_release); }

void tear_down(io_uring& ring) noexcept {
    before_unmapping();
    io_uring_queue_exit(&ring);
}

feature_set set_up(io_uring& ring, const ring_options& options, feature_set without) {
    const unsigned submissions = std::max(options.submission_entries, 1u);
    const unsigned completions = std::max(options.completion_entries, 2u);
    if (int result = make_what_fits(ring, without, submissions, completions); result < 0) fail(-result);
    after_mapping();
    try {
        feature_set usable = what_it_offers(ring) - without;
        // Saves a descriptor look-up per call.
        if (usable.contains(feature::registered_ring) && io_uring_register_ring_fd(&ring) != 1)
            usable.erase(feature::registered_ring);
        return usable;
    } catch (...) {
        tear_down(ring);
        throw;
    }
}

} // namespace tuyau::detail
