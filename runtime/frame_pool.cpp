#include <tuyau/runtime/frame_pool.hpp>

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

namespace tuyau::frame_pool::detail {
namespace {

// What one thread keeps of a size: the frames of ten thousand connections, and a bound for a thread that only ever gives
// back what others took.
constexpr std::size_t most_kept = std::size_t{8} << 20;

constexpr std::size_t size_of(std::size_t index) { return smallest + index * step; }

struct keeper {
    ~keeper() {
        pool.closed = true;
        for (std::size_t index = 0; index < classes; ++index) {
            pool.room[index] = 0;
            while (free_block* block = pool.heads[index]) {
                ASAN_UNPOISON_MEMORY_REGION(block, size_of(index));
                pool.heads[index] = block->next;
                ::operator delete(block, size_of(index));
            }
        }
    }
};

/// Lets this thread's lists keep blocks, and makes sure that they are emptied when it ends.
void open() noexcept {
    static thread_local keeper ends_the_pool;
    (void)ends_the_pool;
    pool.open = true;
    for (std::size_t index = 0; index < classes; ++index)
        pool.room[index] = static_cast<unsigned>(most_kept / size_of(index));
}

} // namespace

void* allocate_slowly(std::size_t size) {
    if (size > largest_block) return ::operator new(size);
    const std::size_t index = class_of(size);
    free_block* block = pool.heads[index];
    if (block == nullptr) return ::operator new(size_of(index));
    ASAN_UNPOISON_MEMORY_REGION(block, size_of(index));
    pool.heads[index] = block->next;
    ++pool.room[index];
    return block;
}

void deallocate_slowly(void* memory, std::size_t size) noexcept {
    if (size > largest_block) return ::operator delete(memory, size);
    const std::size_t index = class_of(size);
    if (!pool.open) open();
    if (pool.closed || pool.room[index] == 0) return ::operator delete(memory, size_of(index));
    --pool.room[index];
    auto* block = static_cast<free_block*>(memory);
    block->next = pool.heads[index];
    pool.heads[index] = block;
    ASAN_POISON_MEMORY_REGION(block, size_of(index));
}

} // namespace tuyau::frame_pool::detail
