#pragma once

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// The whole of a program's main(): makes a loop on this thread and runs `work` on it.
///
/// Gives the process's exit status: `work`'s value, or 0. An exception that leaves `work`, and a kernel that allows no
/// io_uring, are one line on standard error and status 1. Raises the soft limit on descriptors to the hard one first.
int run(task<int> work, const loop_options& options = {});
int run(task<> work, const loop_options& options = {});

} // namespace tuyau
