#pragma once

namespace tests {

/// Under the address sanitizer memory is not given back at once: how much is in use says little there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool memory_tells = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool memory_tells = false;
#else
inline constexpr bool memory_tells = true;
#endif
#else
inline constexpr bool memory_tells = true;
#endif

} // namespace tests
