#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMULATION_SEES_MEMORY 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SIMULATION_SEES_MEMORY 1
#endif

#ifdef SIMULATION_SEES_MEMORY
#include <sanitizer/allocator_interface.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

/// What the address sanitizer knows of memory; without it, all memory is taken to be alive.
namespace simulation::memory {

#ifdef SIMULATION_SEES_MEMORY
inline constexpr bool is_seen = true;
inline bool is_alive(const void* start, std::size_t size) noexcept {
    return size == 0 || __asan_region_is_poisoned(const_cast<void*>(start), size) == nullptr;
}
inline void forbid(const void* start, std::size_t size) noexcept { __asan_poison_memory_region(start, size); }
inline void permit(const void* start, std::size_t size) noexcept { __asan_unpoison_memory_region(start, size); }

/// Whether there is memory that nobody can reach any more; it is printed.
inline bool has_leaked() noexcept { return __lsan_do_recoverable_leak_check() != 0; }
#else
inline constexpr bool is_seen = false;
inline bool is_alive(const void*, std::size_t) noexcept { return true; }
inline void forbid(const void*, std::size_t) noexcept {}
inline void permit(const void*, std::size_t) noexcept {}
inline bool has_leaked() noexcept { return false; }
#endif

} // namespace simulation::memory
