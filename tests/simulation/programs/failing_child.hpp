#pragma once

#include <tuyau/runtime/task.hpp>

namespace simulation::programs {

/// A child that throws beside another that would sleep for an hour: what it threw arrives, and the other does not sleep.
tuyau::task<> fail_beside_a_sleeper();

} // namespace simulation::programs
