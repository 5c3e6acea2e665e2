#pragma once

#include <liburing.h>

#include <tuyau/runtime/features.hpp>

namespace tuyau {

struct ring_options;

namespace detail {

/// Whether the liburing that this is built with has the wait that gathers (since 2.8).
inline constexpr bool can_gather = IO_URING_VERSION_MAJOR > 2 ||
                                   (IO_URING_VERSION_MAJOR == 2 && IO_URING_VERSION_MINOR >= 8);

/// Makes `ring` with the best that the kernel offers and `without` does not name; the features it has. Throws
/// `ring_error`, and leaves nothing open then.
feature_set set_up(io_uring& ring, const ring_options& options, feature_set without);

} // namespace detail
} // namespace tuyau
