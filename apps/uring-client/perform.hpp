#pragma once

#include <tuyau/runtime/task.hpp>

#include "options.hpp"

namespace uring_client {

/// What is left undone when a signal asks the program to end.
struct interrupted {
    int signal;
};

/// Asks for all URLs; what goes wrong with one is told. The exit code: of the first that failed. Throws failures of the
/// command line, and `interrupted`.
tuyau::task<int> perform(request_options options);

} // namespace uring_client
