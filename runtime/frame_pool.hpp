#pragma once

#include <cstddef>

namespace tuyau::frame_pool {

/// Memory for coroutine frames and other small objects that come and go with connections, from free lists of the
/// calling thread. Once a size has been seen, taking and giving back a block of it costs no call of `operator new`.
/// A block may be given back on another thread than it was taken on; it then serves that thread, which keeps 8 MiB of a
/// size at most. Blocks above `largest_block` bytes come straight from `operator new`. Under address sanitizer an idle block is poisoned.
inline constexpr std::size_t largest_block = 4096;

[[nodiscard]] void* allocate(std::size_t size);
void deallocate(void* block, std::size_t size) noexcept;

/// For a class that is to live in the pool: `class connection : frame_pool::pooled`.
struct pooled {
    static void* operator new(std::size_t size) { return allocate(size); }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

} // namespace tuyau::frame_pool
