#include <tuyau/runtime/buffers.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/ring_setup.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr unsigned most_entries = 32768; // io_uring_register_buf_ring(3)
constexpr unsigned most_moved = 65536 - most_entries;

} // namespace

buffers::buffers(ring& owner, buffer_options options)
    : ring_(owner), size_(std::max(options.size, 1u)), initial_(std::clamp(options.initial, 1u, most_entries)),
      entries_(std::bit_ceil(std::clamp(options.most, initial_, most_entries))) {
    if (ring_.uses(feature::buffer_ring)) register_ring();
    if (!grow()) {
        take_back();
        throw std::bad_alloc();
    }
}

void buffers::register_ring() {
    int error = 0;
    shared_ = io_uring_setup_buf_ring(ring_.native(), entries_, group, 0, &error);
    // Locked memory may be short: with a smaller bound the streams wait for each other sooner, and all works.
    while (shared_ == nullptr && error == -ENOMEM && entries_ > std::bit_ceil(initial_)) {
        entries_ /= 2;
        shared_ = io_uring_setup_buf_ring(ring_.native(), entries_, group, 0, &error);
    }
    if (error == -EEXIST) throw ring_error(EEXIST, std::system_category(), "the ring has receive buffers already");
    if (shared_ == nullptr) ring_.do_without(feature::buffer_ring);
    detail::after_mapping();
}

buffers::~buffers() {
    if (!retired_) take_back();
}

void buffers::retire() noexcept {
    take_back();
    delete_if_unused();
}

void buffers::delete_if_unused() noexcept {
    if (leases_ == 0) delete this;
}

void buffers::take_back() noexcept {
    retired_ = true;
    waiters_.clear();
    // Streams may outlive their loop. What they kept is gone with it.
    while (buffer_client* client = holders_.pop_front()) client->count_ = 0;
    if (shared_ == nullptr) return;
    detail::before_unmapping();
    io_uring_free_buf_ring(ring_.native(), std::exchange(shared_, nullptr), entries_, group);
}

bool buffers::grow() noexcept {
    const unsigned count = std::min(std::max(total_, initial_), entries_ - total_);
    if (count == 0) return false;
    try {
        records_.resize(total_ + count);
        slab made(new (page) char[count * size_]);
        slabs_.push_back(std::move(made));
    } catch (const std::bad_alloc&) {
        return false; // as at the bound: wait for a lease to come home
    }
    for (unsigned index = 0; index < count; ++index) {
        const unsigned id = total_ + index;
        records_[id].bytes = slabs_.back().get() + index * size_;
        take_home(static_cast<std::uint16_t>(id));
    }
    total_ += count;
    make_ready();
    return true;
}

void buffers::tell_waiters() noexcept {
    // When they had run out it grows, though some are home again by now: as much may come at once another time.
    const bool grown = (std::exchange(ran_out_, false) || available_ == 0) && grow();
    if (!grown && available_ == 0 && !move_unread_out()) return;
    list<buffer_client> told;
    told.take(waiters_);
    while (buffer_client* client = told.pop_front()) client->buffers_available();
}

bool buffers::move_unread_out() noexcept {
    try {
        holders_.for_each([this](buffer_client& client) { move_out(client); });
    } catch (const std::bad_alloc&) {
        // What has been moved so far will do.
    }
    if (unpublished_ == 0) return false;
    make_ready();
    return true;
}

/// Copies all that the client has unread into one piece of memory, unless that was done before.
void buffers::move_out(buffer_client& client) {
    std::size_t size = 0;
    bool lent = false;
    std::uint16_t id = client.first_;
    for (unsigned count = client.count_; count != 0; --count, id = record_of(id).next) {
        size += record_of(id).size;
        lent = lent || id < first_moved;
    }
    if (!lent) return;

    auto place = std::find_if(moved_.begin(), moved_.end(), [](const moved& each) { return each.owned == nullptr; });
    if (place == moved_.end()) {
        if (moved_.size() == most_moved) return;
        place = moved_.emplace(moved_.end());
    }
    const auto index = static_cast<std::size_t>(place - moved_.begin());
    auto bytes = std::make_unique_for_overwrite<char[]>(size);
    std::size_t done = 0;
    while (client.count_ != 0) {
        const buffer next = pop(client);
        std::memcpy(bytes.get() + done, next.data(), next.size());
        done += next.size();
    }
    moved& all = moved_[index];
    all.bytes = bytes.get();
    all.owned = std::move(bytes);
    all.offset = 0;
    all.size = static_cast<std::uint32_t>(size);
    append(client, static_cast<std::uint16_t>(first_moved + index));
    client.hold_back();
}

void buffers::clear(buffer_client& client) noexcept {
    while (client.count_ != 0) pop(client).release();
}

int buffers::receive(buffer_client& client, int fd) noexcept {
    if (available_ == 0) return -ENOBUFS;
    const std::uint16_t id = home_;
    const int size = system::receive_now(fd, records_[id].bytes, size_);
    if (size <= 0) return size;
    --available_;
    home_ = records_[id].next;
    records_[id].offset = 0;
    records_[id].size = static_cast<std::uint32_t>(size);
    append(client, id);
    return size;
}

void buffers::push_front(buffer_client& client, buffer&& rest) noexcept {
    const std::uint16_t id = rest.id_;
    record& kept = record_of(id);
    kept.offset = static_cast<std::uint32_t>(rest.data_ - kept.bytes);
    kept.size = static_cast<std::uint32_t>(rest.size_);
    kept.next = client.first_;
    rest.owner_ = nullptr;
    rest.size_ = 0;
    --leases_;
    if (client.count_ == 0) return append(client, id);
    client.first_ = id;
    ++client.count_;
}

void buffers::discard(unsigned completion_flags) noexcept {
    --available_;
    take_home(static_cast<std::uint16_t>(completion_flags >> IORING_CQE_BUFFER_SHIFT));
}

} // namespace tuyau
