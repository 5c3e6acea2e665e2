#pragma once

#include <tuyau/runtime/task.hpp>

namespace simulation::programs {

/// Has as much sent to it as there is room for, reads none of it, and meanwhile waits for an answer on another connection:
/// for ever, if what it does not read takes the buffers of all.
tuyau::task<> read_beside_a_slow_reader();

} // namespace simulation::programs
