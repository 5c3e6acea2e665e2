#include <tuyau/runtime/frame_pool.hpp>

#include <array>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define TUYAU_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TUYAU_POISONS 1
#endif
#endif
#ifdef TUYAU_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(block, size) ((void)(block), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(block, size) ((void)(block), (void)(size))
#endif

namespace tuyau::frame_pool {
namespace {

constexpr std::size_t step = 64; // a cache line: frames of neighbours do not share one
constexpr std::size_t classes = largest_block / step;

struct free_block {
    free_block* next;
};

// What one thread keeps of a size: enough for the frames of ten thousand connections, and a bound for a thread that only
// ever gives back what others took.
constexpr std::size_t most_kept = std::size_t{8} << 20;

struct free_lists {
    std::array<free_block*, classes> heads;
    std::array<unsigned, classes> counts;
    bool closed; // the thread is ending: nothing is kept any more
};

// Trivially destructible, so that reaching it needs no guard; `keeper` below ends it.
constinit thread_local free_lists pool{};

constexpr std::size_t class_of(std::size_t size) { return size == 0 ? 0 : (size - 1) / step; }
constexpr std::size_t size_of(std::size_t index) { return (index + 1) * step; }

constexpr std::array<unsigned, classes> most_blocks = [] {
    std::array<unsigned, classes> counts{};
    for (std::size_t index = 0; index < classes; ++index)
        counts[index] = static_cast<unsigned>(most_kept / size_of(index));
    return counts;
}();

struct keeper {
    ~keeper() {
        pool.closed = true;
        for (std::size_t index = 0; index < classes; ++index) {
            while (free_block* block = pool.heads[index]) {
                ASAN_UNPOISON_MEMORY_REGION(block, size_of(index));
                pool.heads[index] = block->next;
                ::operator delete(block, size_of(index));
            }
        }
    }
};

/// Makes sure that this thread's lists are emptied when it ends.
void keep() noexcept {
    static thread_local keeper ends_the_pool;
    (void)ends_the_pool;
}

} // namespace

void* allocate(std::size_t size) {
    if (size > largest_block) return ::operator new(size);
    const std::size_t index = class_of(size);
    free_block* block = pool.heads[index];
    if (block == nullptr) {
        keep();
        return ::operator new(size_of(index));
    }
    ASAN_UNPOISON_MEMORY_REGION(block, size_of(index));
    pool.heads[index] = block->next;
    --pool.counts[index];
    return block;
}

void deallocate(void* memory, std::size_t size) noexcept {
    if (size > largest_block) return ::operator delete(memory, size);
    const std::size_t index = class_of(size);
    if (pool.closed || pool.counts[index] == most_blocks[index]) return ::operator delete(memory, size_of(index));
    ++pool.counts[index];
    auto* block = static_cast<free_block*>(memory);
    block->next = pool.heads[index];
    if (block->next == nullptr) keep();
    pool.heads[index] = block;
    ASAN_POISON_MEMORY_REGION(block, size_of(index));
}

} // namespace tuyau::frame_pool
