#include <tuyau/runtime/buffers.hpp>

#include <algorithm>
#include <bit>
#include <new>

#include <tuyau/runtime/contract.hpp>

namespace tuyau {
namespace {

constexpr unsigned most_entries = 32768; // io_uring_register_buf_ring(3)

} // namespace

buffers::buffers(ring& owner, buffer_options options)
    : ring_(owner), size_(std::max(options.size, 1u)), slab_count_(std::clamp(options.initial, 1u, most_entries)),
      entries_(std::bit_ceil(std::clamp(options.most, slab_count_, most_entries))) {
    int error = 0;
    shared_ = io_uring_setup_buf_ring(ring_.native(), entries_, group, 0, &error);
    // Locked memory may be short: with a smaller bound the streams wait for each other sooner, and all works.
    while (shared_ == nullptr && error == -ENOMEM && entries_ > std::bit_ceil(slab_count_)) {
        entries_ /= 2;
        shared_ = io_uring_setup_buf_ring(ring_.native(), entries_, group, 0, &error);
    }
    if (shared_ == nullptr) {
        throw ring_error(-error, std::system_category(),
                         "the ring's receive buffers could not be registered (for ENOMEM raise the limit on locked "
                         "memory: ulimit -l, LimitMEMLOCK= in a systemd unit)");
    }
    if (!grow()) {
        io_uring_free_buf_ring(ring_.native(), shared_, entries_, group);
        throw std::bad_alloc();
    }
}

buffers::~buffers() {
    waiters_.clear();
    io_uring_free_buf_ring(ring_.native(), shared_, entries_, group);
}

bool buffers::grow() noexcept {
    const unsigned count = std::min(slab_count_, entries_ - total_);
    if (count == 0) return false;
    try {
        records_.resize(total_ + count);
        slabs_.push_back(std::make_unique_for_overwrite<char[]>(slab_count_ * size_));
    } catch (const std::bad_alloc&) {
        return false; // as at the bound: wait for a lease to come home
    }
    for (unsigned id = total_; id < total_ + count; ++id) take_home(static_cast<std::uint16_t>(id));
    total_ += count;
    io_uring_buf_ring_advance(shared_, static_cast<int>(unpublished_));
    available_ += unpublished_;
    unpublished_ = 0;
    return true;
}

void buffers::clear(buffer_queue& queue) noexcept {
    while (queue.count != 0) pop(queue).release();
}

void buffers::push_front(buffer_queue& queue, buffer&& rest) noexcept {
    const std::uint16_t id = rest.id_;
    records_[id].offset = static_cast<std::uint32_t>(rest.data_ - address(id));
    records_[id].size = static_cast<std::uint32_t>(rest.size_);
    records_[id].next = queue.first;
    if (queue.count == 0) queue.last = id;
    queue.first = id;
    ++queue.count;
    rest.owner_ = nullptr;
    rest.size_ = 0;
}

void buffers::discard(unsigned completion_flags) noexcept {
    --available_;
    take_home(static_cast<std::uint16_t>(completion_flags >> IORING_CQE_BUFFER_SHIFT));
}

} // namespace tuyau
