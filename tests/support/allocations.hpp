#pragma once

#include <cstddef>

namespace tests {

/// Calls of `operator new` by this thread so far. Only in programs linked with tests_allocations, which replaces it.
std::size_t allocations() noexcept;

/// Bytes that this thread has from `operator new` and not given back, with what malloc adds to a block's size.
std::size_t live_bytes() noexcept;

} // namespace tests
