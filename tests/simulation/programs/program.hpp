#pragma once

#include "../kernel/kernel.hpp"
#include "choices.hpp"

namespace simulation::programs {

/// Runs the program that the choices make, on one loop after another in this thread. All that is awaited here holds
/// whatever they are: data are exact, nothing goes on for long once the program is over, and nothing is left of it.
void run_on_one_loop(kernel& here, choices next);

/// The same on several loops in threads of their own, which hand tasks to each other.
void run_on_several_loops(kernel& here, choices next);

} // namespace simulation::programs
