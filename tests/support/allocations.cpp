#include "allocations.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

constinit thread_local std::size_t count = 0;
constinit thread_local std::size_t live = 0;

void* allocate(std::size_t size, std::size_t alignment) {
    ++count;
    void* block = alignment > alignof(std::max_align_t)
                      ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                      : std::malloc(size == 0 ? 1 : size);
    if (block == nullptr) throw std::bad_alloc();
    live += malloc_usable_size(block);
    return block;
}

void release(void* block) noexcept {
    live -= malloc_usable_size(block);
    std::free(block);
}

} // namespace

std::size_t tests::allocations() noexcept { return count; }
std::size_t tests::live_bytes() noexcept { return live; }

// The array and nothrow forms call these.
void* operator new(std::size_t size) { return allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }
void operator delete(void* block, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { release(block); }
