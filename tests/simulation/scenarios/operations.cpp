// Programs of runtime operations that nobody has written, on one loop.

#include "../programs/program.hpp"
#include "../scenario.hpp"

namespace simulation::scenarios {

void operations(kernel& here) { programs::run_on_one_loop(here, programs::choices::of_seed(here.random())); }

} // namespace simulation::scenarios
