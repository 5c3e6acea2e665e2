// A scope owns tasks that run beside each other: none outlives it, join() waits for all, and the first error stops the
// others and is thrown from there. spawn_bounded waits until there is room for one more.
//
// Prints how many of ten jobs ran at a time, then how a failing child ends its sibling.

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

struct progress {
    int running = 0;
    int most = 0;
    int done = 0;
};

// All children run on one thread: what they share needs no lock.
task<> job(progress& state) {
    state.most = std::max(state.most, ++state.running);
    co_await yield(); // stands for work that waits
    --state.running;
    ++state.done;
}

task<> patient() {
    auto slept = co_await sleep_for(1h);
    if (!slept) fmt::print("its sibling: {}\n", slept.error().message());
}

task<> failing() {
    co_await sleep_for(1ms);
    throw std::runtime_error("the disk is full");
}

task<> show() {
    progress state;
    scope jobs(3);
    for (int number = 0; number < 10; ++number) co_await jobs.spawn_bounded(job(state));
    co_await jobs.join();
    fmt::print("{} jobs, {} at a time\n", state.done, state.most);

    scope pair;
    pair.spawn(patient());
    pair.spawn(failing());
    try {
        co_await pair.join();
    } catch (const std::exception& error) {
        fmt::print("join: {}\n", error.what());
    }
}

} // namespace

int main() { return tuyau::run(show()); }
