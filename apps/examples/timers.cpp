// sleep_until and sleep_for wait on the loop's timers, which cost no call into the kernel each. An interval gives times
// that do not drift, and says how many have passed when its user was late.
//
// Prints how many coroutines slept at a time, then how an interval catches up.

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

task<> doze(int& woken) {
    co_await sleep_for(5ms);
    ++woken;
}

task<> show() {
    const auto start = loop::clock::now();
    int woken = 0;
    scope sleepers;
    for (int number = 0; number < 10'000; ++number) sleepers.spawn(doze(woken));
    co_await sleepers.join();
    co_await sleep_until(start + 10ms);
    const bool early = loop::clock::now() < start + 10ms;
    fmt::print("{} slept side by side, and woke {}\n", woken, early ? "too early" : "in time");

    interval beat(5ms);
    co_await beat.next();
    co_await sleep_for(20ms); // work that takes longer than a period
    auto passed = co_await beat.next();
    fmt::print("the interval {}\n", *passed >= 4 ? "counted what was missed" : "lost time");
}

} // namespace

int main() { return tuyau::run(show()); }
