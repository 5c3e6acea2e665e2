#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/uio.h>

namespace tuyau::detail {

/// Memory for one TLS record, plain or encrypted, from a list that the calling thread keeps: once as many have been seen as
/// are in use at a time, taking one allocates nothing. Null when moved from.
class tls_block {
public:
    /// The most that one record carries (RFC 8446, section 5.1), and what it grows by when it is encrypted (5.2), its head
    /// of 5 bytes included.
    static constexpr std::size_t plain_size = 16'384;
    static constexpr std::size_t size = plain_size + 256 + 5;

    tls_block() noexcept = default;
    static tls_block take();

    tls_block(tls_block&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
    tls_block& operator=(tls_block&& other) noexcept {
        if (this != &other) {
            give_back();
            memory_ = std::exchange(other.memory_, nullptr);
        }
        return *this;
    }
    ~tls_block() { give_back(); }

    explicit operator bool() const noexcept { return memory_ != nullptr; }
    char* data() const noexcept { return memory_; }

    void give_back() noexcept;

private:
    char* memory_ = nullptr;
};

/// Bytes in the order in which they are to be sent, in blocks. Holds no memory when it is empty but the room for its lists.
class tls_output {
public:
    /// Throws `std::bad_alloc`.
    void append(std::string_view bytes);

    bool empty() const noexcept { return pieces_.empty(); }
    std::size_t size() const noexcept { return size_; }

    /// What a send may take, moving the pieces on.
    std::span<iovec> pieces() noexcept { return pieces_; }

    void clear() noexcept {
        pieces_.clear();
        blocks_.clear();
        size_ = 0;
    }

    void swap(tls_output& other) noexcept {
        blocks_.swap(other.blocks_);
        pieces_.swap(other.pieces_);
        std::swap(size_, other.size_);
    }

private:
    std::vector<tls_block> blocks_;
    std::vector<iovec> pieces_; // one for each block
    std::size_t size_ = 0;
};

} // namespace tuyau::detail
