#pragma once

#include <chrono>

namespace load {

/// The CPU time of all threads that process `id` has now, by proc(5)'s schedstat.
std::chrono::nanoseconds processor_time_of(int id);

/// The CPU time of this process.
std::chrono::nanoseconds own_processor_time();

} // namespace load
