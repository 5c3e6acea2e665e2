// Calling and awaiting a task that returns at once, from one coroutine that runs on its loop all the while.

#include <benchmark/benchmark.h>

#include "allocations_counted.hpp"
#include "peer.hpp"

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/task.hpp>

namespace {

tuyau::task<int> answer(int value) { co_return value; }
peer::awaitable<int> asio_answer(int value) { co_return value; }

template <class Work>
Work calls(benchmark::State& state, auto make) {
    int value = co_await make(1); // the first one allocates its frame
    const allocations_counted count(state);
    for (auto _ : state) {
        value = co_await make(value);
        benchmark::DoNotOptimize(value);
    }
}

void tuyau_call(benchmark::State& state) {
    tuyau::loop here;
    here.run(calls<tuyau::task<>>(state, answer));
}

void asio_call(benchmark::State& state) { peer::run(calls<peer::awaitable<>>(state, asio_answer)); }

BENCHMARK(tuyau_call)->Name("call/tuyau");
BENCHMARK(asio_call)->Name("call/asio");

} // namespace
