#pragma once

#include "../scenario.hpp"

/// The program's main function.
int uring_http_main(int, char**);

namespace simulation::scenarios {

/// Clients that fall silent, and how long they are borne with.
void uring_http_times(kernel& here);

/// One that asks without end, and another that asks once.
void uring_http_fairness(kernel& here);

} // namespace simulation::scenarios
