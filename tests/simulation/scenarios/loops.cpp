// The same on several loops, in threads that take turns: which hand tasks to each other, synchronise, and end.

#include "../programs/program.hpp"
#include "../scenario.hpp"

namespace simulation::scenarios {

void loops(kernel& here) { programs::run_on_several_loops(here, programs::choices::of_seed(here.random())); }

} // namespace simulation::scenarios
