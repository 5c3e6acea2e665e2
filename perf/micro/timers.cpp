// Arming a timer and cancelling it before its time, with none, a thousand and a million others armed. Both sides are given
// the same times: between one and two hours from now, in no order.

#include <chrono>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "allocations_counted.hpp"
#include "peer.hpp"

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/timer_wheel.hpp>

namespace {

using clock = std::chrono::steady_clock;

class later_times {
public:
    clock::time_point next() noexcept {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u; // Knuth's MMIX generator
        return start_ + std::chrono::hours(1) + std::chrono::microseconds((state_ >> 32) % 3'600'000'000u);
    }

private:
    clock::time_point start_ = clock::now();
    std::uint64_t state_ = 1;
};

class idle_timer final : public tuyau::timer_node {
public:
    void expire() noexcept override {}
};

void tuyau_timers(benchmark::State& state) {
    std::vector<idle_timer> others(static_cast<std::size_t>(state.range(0)));
    tuyau::loop here;
    here.requests().poll(); // what the loop itself has prepared
    later_times times;
    for (idle_timer& each : others) here.arm(each, times.next());
    idle_timer timer;
    const allocations_counted count(state);
    for (auto _ : state) {
        here.arm(timer, times.next());
        benchmark::ClobberMemory();
        timer.unlink();
    }
    if (here.requests().prepared() != 0) state.SkipWithError("a timer asked something of the kernel");
}

using asio_timer = asio::basic_waitable_timer<clock, asio::wait_traits<clock>, peer::executor>;

void asio_timers(benchmark::State& state) {
    // How many cancelled waits are left before the context ends them all: one look at the kernel is spread over so many.
    constexpr unsigned batch = 64;
    asio::io_context context(1);
    later_times times;
    std::vector<asio_timer> others;
    others.reserve(static_cast<std::size_t>(state.range(0)));
    for (auto left = state.range(0); left > 0; --left) {
        others.emplace_back(context.get_executor(), times.next());
        others.back().async_wait([](const asio::error_code&) {});
    }
    asio_timer timer(context.get_executor());
    unsigned cancelled = 0;
    const allocations_counted count(state);
    for (auto _ : state) {
        timer.expires_at(times.next());
        timer.async_wait([](const asio::error_code&) {});
        timer.cancel();
        if (++cancelled % batch == 0) context.poll();
    }
}

BENCHMARK(tuyau_timers)->Name("timers/tuyau")->Arg(0)->Arg(1'000)->Arg(1'000'000);
BENCHMARK(asio_timers)->Name("timers/asio")->Arg(0)->Arg(1'000)->Arg(1'000'000);

} // namespace
