#pragma once

#include <liburing.h>

#include <tuyau/runtime/features.hpp>

namespace tuyau {

struct ring_options;

namespace detail {

/// Makes `ring` with the best that the kernel offers and `without` does not name; the features it has. Throws
/// `ring_error`, and leaves nothing open then.
feature_set set_up(io_uring& ring, const ring_options& options, feature_set without);

} // namespace detail
} // namespace tuyau
