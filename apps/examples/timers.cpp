// sleep_until and sleep_for wait on the loop's timers, which cost no call into the kernel each. An interval gives times
// that do not drift, and says how many have passed when its user was late.
//
// Prints five numbers sorted by sleeping, then how an interval catches up.

#include <chrono>

#include <fmt/format.h>

#include <tuyau/runtime/interval.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<> print_at(loop::clock::time_point when, int number) {
    co_await sleep_until(when);
    fmt::print("{}\n", number);
}

task<> show() {
    const auto start = loop::clock::now();
    scope sleepers;
    for (int number : {31, 4, 15, 9, 26}) sleepers.spawn(print_at(start + number * 1ms, number));
    co_await sleepers.join();

    interval beat(10ms);
    co_await beat.next();
    co_await sleep_for(35ms); // longer than three periods
    auto passed = co_await beat.next();
    fmt::print("the interval {}\n", *passed >= 3 ? "counted what was missed" : "lost time");
}

} // namespace

int main() { return tuyau::run(show()); }
