#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include <tuyau/net/tls/block.hpp>

namespace tuyau {

namespace detail {
class tls_engine;
}

/// Bytes that came over TLS, decrypted into memory that belongs to this object until it is destroyed; what `buffer` is to
/// TCP. Move-only; empty when default-made. The memory comes from and goes to a list of the thread: nothing of the stream
/// is needed, which may be gone.
class tls_buffer {
public:
    tls_buffer() noexcept = default;
    tls_buffer(tls_buffer&& other) noexcept
        : block_(std::move(other.block_)), data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    tls_buffer& operator=(tls_buffer&& other) noexcept {
        if (this == &other) return *this;
        block_ = std::move(other.block_);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }

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

    /// Gives the memory back before the end of this object's life.
    void release() noexcept {
        block_.give_back();
        data_ = nullptr;
        size_ = 0;
    }

private:
    friend class detail::tls_engine;
    tls_buffer(detail::tls_block block, std::size_t size) noexcept
        : block_(std::move(block)), data_(block_.data()), size_(size) {}

    detail::tls_block block_;
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace tuyau
