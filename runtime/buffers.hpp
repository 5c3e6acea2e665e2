#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/ring.hpp>

namespace tuyau {

struct buffer_options {
    unsigned size = 4096;   ///< bytes in one buffer
    unsigned initial = 64; ///< buffers made at the start; as many as there are come to them when they run out
    unsigned most = 8192;   ///< buffers at most, rounded up to a power of two, 32768 at the highest
};

class buffers;

/// Bytes that the kernel wrote into a buffer of the loop's ring, leased until this object is destroyed.
///
/// Move-only; empty when default-made. Stays on its loop's thread. Holding leases holds memory back from every stream of
/// the loop: copy what is to be kept for long.
class buffer {
public:
    buffer() noexcept = default;
    buffer(buffer&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)), id_(other.id_) {}
    buffer& operator=(buffer&& other) noexcept {
        if (this != &other) {
            release();
            owner_ = std::exchange(other.owner_, nullptr);
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
            id_ = other.id_;
        }
        return *this;
    }
    ~buffer() { release(); }

    const char* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::string_view text() const noexcept { return {data_, size_}; }
    std::span<const std::byte> bytes() const noexcept { return std::as_bytes(std::span(data_, size_)); }

    /// Gives up the first `count` bytes.
    void remove_prefix(std::size_t count) noexcept {
        count = count < size_ ? count : size_;
        data_ += count;
        size_ -= count;
    }

    /// Gives the buffer back before the end of this object's life.
    void release() noexcept;

private:
    friend class buffers;
    buffer(buffers& owner, const char* data, std::size_t size, std::uint16_t id) noexcept
        : owner_(&owner), data_(data), size_(size), id_(id) {}

    buffers* owner_ = nullptr;
    const char* data_ = nullptr;
    std::size_t size_ = 0;
    std::uint16_t id_ = 0;
};

/// A stream's share in the pool: received buffers that wait for their reader, in order, at the cost of no allocation; and
/// the stream's wait when no buffer is left.
class buffer_client : public list_node {
public:
    /// Received and not yet taken.
    unsigned unread() const noexcept { return count_; }

protected:
    buffer_client() noexcept = default;
    ~buffer_client() = default;

    /// After `wait`: there are buffers again.
    virtual void buffers_available() noexcept = 0;

    /// Buffers ran out while nobody read this stream: its sender is to be held back until somebody does.
    virtual void hold_back() noexcept = 0;

private:
    friend class buffers;
    std::uint16_t first_ = 0;
    std::uint16_t last_ = 0;
    std::uint16_t count_ = 0;
};

/// The buffers that one loop receives into, shared by all its streams, so that an idle connection holds none. They are
/// lent to the kernel (a provided-buffer ring), which picks one when bytes come; without that feature the pool receives
/// for a stream that the kernel says has bytes. Doubles when it runs dry, up to a bound. Past it, what streams have
/// received and nobody has read is moved out of the pool, so that a slow reader holds back nobody but its own peer; what
/// is left to wait for then is leases.
class buffers {
public:
    /// Throws `ring_error` when the ring has a pool already.
    buffers(ring& owner, buffer_options options);
    buffers(const buffers&) = delete;
    buffers& operator=(const buffers&) = delete;
    ~buffers();

    /// The end of a pool made with `new`: nothing is lent to the kernel any more. The memory goes with the last lease,
    /// which may outlive the loop in a coroutine's frame.
    void retire() noexcept;

    static constexpr int group = 0;

    std::size_t buffer_size() const noexcept { return size_; }

    /// Whether a request may ask the kernel to pick one of the buffers of `group`; else `receive` is the way.
    bool lent_to_kernel() const noexcept { return shared_ != nullptr; }

    /// Buffers ready to be received into.
    unsigned available() const noexcept { return available_; }

    /// Buffers made so far.
    unsigned total() const noexcept { return total_; }

    /// Appends what a completion with IORING_CQE_F_BUFFER brought.
    void push(buffer_client& client, unsigned completion_flags, std::size_t size) noexcept;
    buffer pop(buffer_client& client) noexcept;

    /// Where nothing is lent to the kernel: receives what the socket has, without waiting, and appends it. The result is
    /// that of a request to the kernel: how many bytes, 0 at the end, or a negative errno, ENOBUFS when no buffer is left.
    int receive(buffer_client& client, int fd) noexcept;

    /// Puts what is left of a buffer back at the head of the queue.
    void push_front(buffer_client& client, buffer&& rest) noexcept;

    void clear(buffer_client& client) noexcept;

    /// Takes home the buffer of a completion that brought no bytes.
    void discard(unsigned completion_flags) noexcept;

    /// For a receive that ended with ENOBUFS: `client`, which has nothing unread, is told from `publish` once there is a
    /// buffer again.
    void wait(buffer_client& client) noexcept {
        ran_out_ = ran_out_ || available_ == 0; // else the kernel was short of something for a moment
        waiters_.push_back(client);
    }

    /// Makes what came home ready again, all at once, and tells those who wait. Called before each submission.
    void publish() noexcept;

private:
    friend class buffer;

    // The kernel copies whole pages from the beginning of a page. To an address a little behind that in its page, it copies
    // several times slower: the processor takes each load for one of what was just stored, 4096 bytes away.
    static constexpr std::align_val_t page{4096};
    struct free_slab {
        void operator()(char* slab) const noexcept { ::operator delete[](slab, page); }
    };
    using slab = std::unique_ptr<char[], free_slab>;

    struct record {
        char* bytes; // where the buffer is
        std::uint32_t offset;
        std::uint32_t size;
        std::uint16_t next;
    };

    // Ids from here on are not the kernel's: bytes that were moved out of the pool, in memory of their own.
    static constexpr std::uint16_t first_moved = 32768;

    struct moved : record {
        std::unique_ptr<char[]> owned;
    };

    record& record_of(std::uint16_t id) noexcept {
        return id < first_moved ? records_[id] : static_cast<record&>(moved_[id - first_moved]);
    }
    void register_ring();
    void take_home(std::uint16_t id) noexcept;
    void make_ready() noexcept;
    void end_lease(std::uint16_t id) noexcept;
    void take_back() noexcept;
    void delete_if_unused() noexcept;
    void append(buffer_client& client, std::uint16_t id) noexcept;
    void tell_waiters() noexcept;
    bool grow() noexcept;
    bool move_unread_out() noexcept;
    void move_out(buffer_client& client);

    ring& ring_;
    io_uring_buf_ring* shared_ = nullptr; // null where nothing is lent to the kernel
    std::uint16_t home_ = 0;              // there: the first of those at home, each naming the next
    bool retired_ = false;
    bool ran_out_ = false;
    std::size_t size_;
    unsigned initial_;
    unsigned entries_; // of the ring shared with the kernel
    unsigned total_ = 0;
    unsigned available_ = 0;
    unsigned unpublished_ = 0;
    unsigned leases_ = 0;
    std::vector<slab> slabs_;
    std::vector<record> records_;
    std::vector<moved> moved_;
    list<buffer_client> waiters_;
    list<buffer_client> holders_; // those with something unread
};

inline void buffer::release() noexcept {
    if (owner_ == nullptr) return;
    std::exchange(owner_, nullptr)->end_lease(id_);
    data_ = nullptr;
    size_ = 0;
}

inline void buffers::append(buffer_client& client, std::uint16_t id) noexcept {
    if (client.count_ == 0) {
        client.first_ = id;
        holders_.push_back(client);
    } else {
        record_of(client.last_).next = id;
    }
    client.last_ = id;
    ++client.count_;
}

inline void buffers::push(buffer_client& client, unsigned completion_flags, std::size_t size) noexcept {
    const auto id = static_cast<std::uint16_t>(completion_flags >> IORING_CQE_BUFFER_SHIFT);
    --available_;
    records_[id].offset = 0;
    records_[id].size = static_cast<std::uint32_t>(size);
    append(client, id);
}

inline buffer buffers::pop(buffer_client& client) noexcept {
    const std::uint16_t id = client.first_;
    const record& taken = record_of(id);
    client.first_ = taken.next;
    if (--client.count_ == 0) client.unlink();
    ++leases_;
    return buffer(*this, taken.bytes + taken.offset, taken.size, id);
}

inline void buffers::take_home(std::uint16_t id) noexcept {
    if (id >= first_moved) [[unlikely]]
        return moved_[id - first_moved].owned.reset();
    if (shared_ != nullptr) [[likely]]
        io_uring_buf_ring_add(shared_, records_[id].bytes, static_cast<unsigned>(size_), id, io_uring_buf_ring_mask(entries_),
                              static_cast<int>(unpublished_));
    else
        records_[id].next = std::exchange(home_, id);
    ++unpublished_;
}

inline void buffers::make_ready() noexcept {
    if (shared_ != nullptr) [[likely]]
        io_uring_buf_ring_advance(shared_, static_cast<int>(unpublished_));
    available_ += std::exchange(unpublished_, 0);
}

inline void buffers::end_lease(std::uint16_t id) noexcept {
    --leases_;
    if (!retired_) [[likely]]
        take_home(id);
    else
        delete_if_unused();
}

inline void buffers::publish() noexcept {
    if (unpublished_ != 0) make_ready();
    if (!waiters_.empty()) [[unlikely]]
        tell_waiters();
}

} // namespace tuyau
