#include "buffer_group.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>

#include "memory.hpp"
#include "request.hpp"

namespace simulation {

buffer_group::buffer_group(kernel& owner, io_uring_buf_ring* shared, unsigned entries)
    : kernel_(owner), shared_(shared), entries_(entries), seen_(shared->tail) {}

buffer_group::~buffer_group() {
    for (const lent& each : lent_) memory::permit(each.start, each.size);
}

void buffer_group::take_in() {
    const std::uint16_t tail = std::atomic_ref(shared_->tail).load(std::memory_order_acquire);
    for (; seen_ != tail; ++seen_) {
        const io_uring_buf& added = shared_->bufs[seen_ & (entries_ - 1)];
        const lent next{added.bid, pointer_to<char>(added.addr), added.len};
        if (!ids_.insert(next.id).second) kernel_.violation(fmt::format("buffer {} was lent twice", next.id));
        known_ = std::max<std::size_t>(known_, next.id + 1U);
        if (lent_.size() == entries_) kernel_.violation("more buffers were lent than there is room for");
        if (!memory::is_alive(next.start, next.size))
            kernel_.violation(fmt::format("buffer {} was lent, and its memory is gone", next.id));
        memory::forbid(next.start, next.size);
        lent_.push_back(next);
    }
    kernel_.see_buffers(known_);
}

buffer_group::lent buffer_group::pick() {
    const lent picked = lent_.front();
    lent_.pop_front();
    ids_.erase(picked.id);
    memory::permit(picked.start, picked.size);
    return picked;
}

void buffer_group::put_back(const lent& unused) {
    ids_.insert(unused.id);
    memory::forbid(unused.start, unused.size);
    lent_.push_front(unused);
}

std::size_t buffer_group::away() {
    take_in();
    return known_ - lent_.size();
}

} // namespace simulation
