#pragma once

#include <cstddef>

namespace tests {

/// Calls of `operator new` by this thread so far. Only in programs linked with tests_allocations, which replaces it.
std::size_t allocations() noexcept;

} // namespace tests
