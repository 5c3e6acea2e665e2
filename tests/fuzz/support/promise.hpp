#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__)
#define FUZZ_COUNTS_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FUZZ_COUNTS_MEMORY 1
#endif
#endif
#ifdef FUZZ_COUNTS_MEMORY
#include <sanitizer/allocator_interface.h>
#endif

namespace fuzz {

/// Ends the program, for the driver to keep the input, unless `holds`. The promise is told in words.
inline void require(bool holds, std::string_view promise,
                    std::source_location where = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: broken: %.*s\n", where.file_name(), static_cast<unsigned>(where.line()),
                 static_cast<int>(promise.size()), promise.data());
    std::abort();
}

/// The same for two texts that have to be equal; both are told.
inline void require_same(std::string_view one, std::string_view other, std::string_view promise,
                         std::source_location where = std::source_location::current()) {
    if (one == other) return;
    std::fprintf(stderr, "--- one:\n%.*s\n--- other:\n%.*s\n---\n", static_cast<int>(one.size()), one.data(),
                 static_cast<int>(other.size()), other.data());
    require(false, promise, where);
}

/// Bytes of heap in use; always 0 without the address sanitizer, which counts them.
inline std::size_t heap_in_use() noexcept {
#ifdef FUZZ_COUNTS_MEMORY
    return __sanitizer_get_current_allocated_bytes();
#else
    return 0;
#endif
}

} // namespace fuzz
