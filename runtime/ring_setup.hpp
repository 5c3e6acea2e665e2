#pragma once

#include <liburing.h>

#include <tuyau/runtime/features.hpp>

namespace tuyau {

struct ring_options;

namespace detail {

/// Whether the liburing that this is built with has the wait that gathers (since 2.8).
inline constexpr bool can_gather = IO_URING_VERSION_MAJOR > 2 ||
                                   (IO_URING_VERSION_MAJOR == 2 && IO_URING_VERSION_MINOR >= 8);

/// Closes the ring.
void tear_down(io_uring& ring) noexcept;

/// Memory that one thread has unmapped may be mapped by another one next. The kernel puts that in order, but by system
/// calls of liburing's own, which the thread sanitizer does not see: so it is put in order once more. Called after memory
/// was mapped and before it is unmapped.
void after_mapping() noexcept;
void before_unmapping() noexcept;

/// Makes `ring` with the best that the kernel offers and `without` does not name; the features it has. Throws
/// `ring_error`, and leaves nothing open then.
feature_set set_up(io_uring& ring, const ring_options& options, feature_set without);

} // namespace detail
} // namespace tuyau
