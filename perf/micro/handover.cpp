// A task that runs on the loop of another thread and comes back: each time, both threads are asleep when they are called.

#include <chrono>
#include <thread>

#include <benchmark/benchmark.h>

#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/workers.hpp>

#include "peer.hpp"

namespace {

tuyau::task<int> tuyau_answer(int value) { co_return value; }

tuyau::task<> tuyau_rounds(benchmark::State& state, tuyau::loop_handle there) {
    int value = 0;
    auto answer = [&value] { return tuyau_answer(value); };
    for (auto _ : state) {
        value = co_await tuyau::run_on(there, answer);
        benchmark::DoNotOptimize(value);
    }
}

void tuyau_handover(benchmark::State& state) {
    tuyau::workers others({.count = 1});
    tuyau::loop here;
    here.run(tuyau_rounds(state, others[0]));
}

BENCHMARK(tuyau_handover)->Name("handover/tuyau")->MeasureProcessCPUTime()->UseRealTime();

peer::awaitable<int> asio_answer(int value) { co_return value; }

/// An io_context that runs in a thread of its own.
class asio_thread {
public:
    peer::executor executor() noexcept { return context_.get_executor(); }

    ~asio_thread() {
        work_.reset();
        thread_.join();
    }

private:
    asio::io_context context_{1};
    asio::executor_work_guard<peer::executor> work_{context_.get_executor()};
    std::thread thread_{[this] { context_.run(); }};
};

/// The other context runs the task, and tells this one when it has ended.
peer::awaitable<> asio_spawn_there(benchmark::State& state, peer::executor there) {
    int value = 0;
    for (auto _ : state) {
        value = co_await asio::co_spawn(there, asio_answer(value), peer::use_awaitable);
        benchmark::DoNotOptimize(value);
    }
}

/// This very coroutine goes on over there, awaits the task and comes back.
peer::awaitable<> asio_go_there(benchmark::State& state, peer::executor there) {
    const auto here = co_await asio::this_coro::executor;
    int value = 0;
    for (auto _ : state) {
        co_await asio::post(asio::bind_executor(there, peer::use_awaitable));
        value = co_await asio_answer(value);
        co_await asio::post(here, peer::use_awaitable);
        benchmark::DoNotOptimize(value);
    }
}

void asio_handover(benchmark::State& state, peer::awaitable<> (*rounds)(benchmark::State&, peer::executor)) {
    asio_thread other;
    peer::run(rounds(state, other.executor()));
}

/// A context that has nothing but posted work sleeps on a condition variable; one that also waits for time or for I/O, as
/// one of a server does and as a loop of ours always could, sleeps in epoll and is woken through a descriptor.
peer::awaitable<> asio_with_reactors(benchmark::State& state, peer::executor there) {
    using timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                             peer::executor>;
    timer far_here(co_await asio::this_coro::executor, std::chrono::hours(1));
    timer far_there(there, std::chrono::hours(1));
    far_here.async_wait([](std::error_code) {});
    far_there.async_wait([](std::error_code) {});
    co_await asio_go_there(state, there);
}

BENCHMARK_CAPTURE(asio_handover, spawn, asio_spawn_there)
    ->Name("handover/asio_spawn")
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(asio_handover, post, asio_go_there)
    ->Name("handover/asio_post")
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(asio_handover, reactors, asio_with_reactors)
    ->Name("handover/asio_reactors")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

} // namespace
