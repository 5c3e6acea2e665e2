#pragma once

#include <array>
#include <cstddef>

namespace tuyau::frame_pool {

/// Memory for coroutine frames and other small objects that come and go with connections, from free lists of the
/// calling thread. Once a size has been seen, taking and giving back a block of it costs no call of `operator new`.
/// A block may be given back on another thread than it was taken on; it then serves that thread, which keeps 8 MiB of a
/// size at most. Blocks above `largest_block` bytes come straight from `operator new`. Under address sanitizer an idle
/// block is poisoned.
inline constexpr std::size_t largest_block = 4096;

[[nodiscard]] void* allocate(std::size_t size);
void deallocate(void* block, std::size_t size) noexcept;

/// For a class that is to live in the pool: `class connection : frame_pool::pooled`.
struct pooled {
    static void* operator new(std::size_t size) { return allocate(size); }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

// Inline, since the size is a constant where a frame is made, and with it the list.
namespace detail {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool poisons = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool poisons = true;
#else
inline constexpr bool poisons = false;
#endif
#else
inline constexpr bool poisons = false;
#endif

// What malloc hands out without waste: a multiple of 16 less the eight bytes that it keeps beside a block.
inline constexpr std::size_t step = 16;
inline constexpr std::size_t smallest = 24;
inline constexpr std::size_t classes = (largest_block - smallest + step - 1) / step + 1;

struct free_block {
    free_block* next;
};

struct free_lists {
    std::array<free_block*, classes> heads;
    std::array<unsigned, classes> room; // for blocks to come; none before the thread's first one and after its end
    bool open;
    bool closed;
};

inline constinit thread_local free_lists pool{};

constexpr std::size_t class_of(std::size_t size) noexcept {
    return size <= smallest ? 0 : (size - smallest + step - 1) / step;
}

void* allocate_slowly(std::size_t size);
void deallocate_slowly(void* block, std::size_t size) noexcept;

} // namespace detail

inline void* allocate(std::size_t size) {
    if (!detail::poisons && size <= largest_block) [[likely]] {
        const std::size_t index = detail::class_of(size);
        if (detail::free_block* block = detail::pool.heads[index]) [[likely]] {
            detail::pool.heads[index] = block->next;
            ++detail::pool.room[index];
            return block;
        }
    }
    return detail::allocate_slowly(size);
}

inline void deallocate(void* memory, std::size_t size) noexcept {
    if (!detail::poisons && size <= largest_block) [[likely]] {
        const std::size_t index = detail::class_of(size);
        if (detail::pool.room[index] != 0) [[likely]] {
            --detail::pool.room[index];
            auto* block = static_cast<detail::free_block*>(memory);
            block->next = detail::pool.heads[index];
            detail::pool.heads[index] = block;
            return;
        }
    }
    detail::deallocate_slowly(memory, size);
}

} // namespace tuyau::frame_pool
