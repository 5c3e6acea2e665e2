// The C library's ways to sleep: defined in a program, these take the place of its own. A thread that runs a loop must not
// stand still, and under the simulation it would do so in a time that is not the simulated one.

#include <ctime>
#include <string>

#include "kernel.hpp"

namespace {

[[noreturn]] void refuse(const char* call) {
    simulation::kernel::current().violation(std::string(call) + " holds up the thread of a loop");
}

} // namespace

extern "C" {

int nanosleep(const timespec*, timespec*) { refuse("nanosleep"); }

int clock_nanosleep(clockid_t, int, const timespec*, timespec*) { refuse("clock_nanosleep"); }

int usleep(unsigned) { refuse("usleep"); }

} // extern "C"
