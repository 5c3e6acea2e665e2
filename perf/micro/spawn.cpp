// A scope with one child, joined: a child that returns at once, and one that lets others go first, so that both it and its
// parent are suspended.

#include <benchmark/benchmark.h>

#include "allocations_counted.hpp"
#include "peer.hpp"

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/task.hpp>
#include <tuyau/runtime/timer.hpp>

namespace {

tuyau::task<> returns() { co_return; }
tuyau::task<> suspends() { co_await tuyau::yield(); }

peer::awaitable<> asio_returns() { co_return; }
peer::awaitable<> asio_suspends() { co_await asio::post(co_await asio::this_coro::executor, peer::use_awaitable); }

tuyau::task<> scopes(benchmark::State& state, tuyau::task<> (*child)()) {
    const allocations_counted count(state);
    for (auto _ : state) {
        tuyau::scope children;
        children.spawn(child());
        co_await children.join();
    }
}

peer::awaitable<> asio_spawns(benchmark::State& state, peer::awaitable<> (*child)()) {
    const auto here = co_await asio::this_coro::executor;
    const allocations_counted count(state);
    for (auto _ : state) co_await asio::co_spawn(here, child(), peer::use_awaitable);
}

void tuyau_spawn(benchmark::State& state, tuyau::task<> (*child)()) {
    tuyau::loop here;
    here.run(scopes(state, child));
}

void asio_spawn(benchmark::State& state, peer::awaitable<> (*child)()) { peer::run(asio_spawns(state, child)); }

BENCHMARK_CAPTURE(tuyau_spawn, returns, returns)->Name("spawn/returns/tuyau");
BENCHMARK_CAPTURE(asio_spawn, returns, asio_returns)->Name("spawn/returns/asio");
BENCHMARK_CAPTURE(tuyau_spawn, suspends, suspends)->Name("spawn/suspends/tuyau");
BENCHMARK_CAPTURE(asio_spawn, suspends, asio_suspends)->Name("spawn/suspends/asio");

} // namespace
