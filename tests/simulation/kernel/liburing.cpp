// liburing's functions that are not inline, over the simulated kernel: defined in a program, they take the place of those
// of the library, of which nothing is then linked.

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <new>

#include <liburing.h>

#include "kernel.hpp"
#include "ring.hpp"

namespace {

using simulation::kernel;
using simulation::missing;
using simulation::simulated_ring;

simulated_ring& ring_of(io_uring* ring) {
    simulated_ring* found = kernel::current().ring_with(ring->ring_fd);
    if (found == nullptr) kernel::current().violation("a ring was used that was never made, or was closed");
    return *found;
}

simulated_ring& ring_in_use(io_uring* ring) {
    simulated_ring& found = ring_of(ring);
    found.check_thread();
    return found;
}

std::optional<simulation::duration> span_of(const __kernel_timespec* limit) {
    if (limit == nullptr) return std::nullopt;
    return std::chrono::seconds(limit->tv_sec) + std::chrono::nanoseconds(limit->tv_nsec);
}

int submit_and_wait(io_uring* ring, io_uring_cqe** completion, const simulated_ring::wait& asked) {
    simulated_ring& used = ring_in_use(ring);
    const int result = used.enter(asked, true);
    *completion = used.first_completion();
    return result;
}

} // namespace

extern "C" {

int io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* parameters) {
    kernel& here = kernel::current();
    const auto in = here.enter();
    const unsigned flags = parameters->flags;
    constexpr unsigned most_entries = 32768; // io_uring_setup(2)
    const bool clamps = (flags & IORING_SETUP_CLAMP) != 0;
    const bool sized = (flags & IORING_SETUP_CQSIZE) != 0;
    if (entries == 0 || (entries > most_entries && !clamps)) return -EINVAL;
    if (sized && (parameters->cq_entries == 0 || (parameters->cq_entries > 2 * most_entries && !clamps)))
        return -EINVAL;
    if ((flags & IORING_SETUP_DEFER_TASKRUN) != 0 &&
        ((flags & IORING_SETUP_SINGLE_ISSUER) == 0 || here.lacks(missing::deferred_taskrun)))
        return -EINVAL;
    if ((flags & IORING_SETUP_COOP_TASKRUN) != 0 && here.lacks(missing::cooperative_taskrun)) return -EINVAL;
    if (!here.has_room_for_descriptor()) return -EMFILE;
    entries = std::bit_ceil(std::min(entries, most_entries));
    parameters->cq_entries = sized ? std::bit_ceil(std::min(parameters->cq_entries, 2 * most_entries)) : 2 * entries;
    if (parameters->cq_entries < entries) return -EINVAL;
    parameters->sq_entries = entries;
    if (!here.can_lock(entries + parameters->cq_entries)) return -ENOMEM;
    parameters->features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                           IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
    if (!here.lacks(missing::minimum_wait)) parameters->features |= IORING_FEAT_MIN_TIMEOUT;
    auto* made = new simulated_ring(here, *ring, entries, *parameters);
    here.call("io_uring_setup", static_cast<int>(entries), made->descriptor());
    return 0;
}

void io_uring_queue_exit(io_uring* ring) {
    const auto in = kernel::current().enter();
    delete &ring_of(ring);
}

int io_uring_register_probe(io_uring* ring, io_uring_probe* probe, unsigned count) {
    kernel& here = kernel::current();
    const auto in = here.enter();
    ring_in_use(ring);
    for (const int known : simulation::known_operations) {
        if (static_cast<unsigned>(known) >= count) continue;
        if (known == IORING_OP_MSG_RING && here.lacks(missing::message_ring)) continue;
        probe->ops[known].op = static_cast<__u8>(known);
        probe->ops[known].flags = IO_URING_OP_SUPPORTED;
        if (known > probe->last_op) probe->last_op = static_cast<__u8>(known);
    }
    probe->ops_len = static_cast<__u8>(probe->last_op + 1);
    return 0;
}

int io_uring_register_ring_fd(io_uring* ring) {
    kernel& here = kernel::current();
    const auto in = here.enter();
    ring_in_use(ring);
    if (here.lacks(missing::registered_ring)) return -EINVAL;
    ring->int_flags |= 1; // INT_FLAG_REG_RING
    return 1;
}

io_uring_buf_ring* io_uring_setup_buf_ring(io_uring* ring, unsigned entries, int group, unsigned, int* error) {
    kernel& here = kernel::current();
    const auto in = here.enter();
    const auto refuse = [&](int with) -> io_uring_buf_ring* {
        *error = with;
        return nullptr;
    };
    if (here.lacks(missing::buffer_ring)) return refuse(-EINVAL);
    if (!std::has_single_bit(entries) || entries > 32768) return refuse(-EINVAL);
    if (ring_in_use(ring).has_group(group)) return refuse(-EEXIST);
    if (!here.can_lock(entries)) return refuse(-ENOMEM);
    constexpr std::size_t page = 4096;
    const std::size_t size = (entries * sizeof(io_uring_buf) + page - 1) / page * page;
    auto* shared = static_cast<io_uring_buf_ring*>(std::aligned_alloc(page, size));
    shared->tail = 0;
    ring_in_use(ring).add_group(group, shared, entries);
    *error = 0;
    return shared;
}

int io_uring_free_buf_ring(io_uring* ring, io_uring_buf_ring* shared, unsigned, int group) {
    const auto in = kernel::current().enter();
    const int result = ring_in_use(ring).remove_group(group);
    std::free(shared);
    return result;
}

int io_uring_submit(io_uring* ring) {
    const auto in = kernel::current().enter();
    return ring_in_use(ring).enter({}, false);
}

int io_uring_submit_and_get_events(io_uring* ring) {
    const auto in = kernel::current().enter();
    return ring_in_use(ring).enter({}, true);
}

int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** completion, unsigned wait_for,
                                     __kernel_timespec* limit, sigset_t*) {
    const auto in = kernel::current().enter();
    return submit_and_wait(ring, completion, {wait_for, span_of(limit), {}});
}

int io_uring_submit_and_wait_min_timeout(io_uring* ring, io_uring_cqe** completion, unsigned wait_for,
                                         __kernel_timespec* limit, unsigned minimum, sigset_t*) {
    const auto in = kernel::current().enter();
    if ((ring->features & IORING_FEAT_MIN_TIMEOUT) == 0) return -EINVAL;
    std::optional<simulation::duration> span;
    if (minimum != 0) span = std::chrono::microseconds(minimum);
    return submit_and_wait(ring, completion, {wait_for, span_of(limit), span});
}

int __io_uring_get_cqe(io_uring* ring, io_uring_cqe** completion, unsigned, unsigned wait_for, sigset_t*) {
    const auto in = kernel::current().enter();
    const int result = submit_and_wait(ring, completion, {wait_for, {}, {}});
    return *completion != nullptr ? 0 : result < 0 ? result : -EINTR;
}

int io_uring_major_version(void) { return IO_URING_VERSION_MAJOR; }
int io_uring_minor_version(void) { return IO_URING_VERSION_MINOR; }

} // extern "C"
