#pragma once

#include <cstddef>

#include <benchmark/benchmark.h>

#include "support/allocations.hpp"

/// Reports this thread's calls of `operator new` per iteration, from its making until it is destroyed.
class allocations_counted {
public:
    explicit allocations_counted(benchmark::State& state) noexcept : state_(state), before_(tests::allocations()) {}
    allocations_counted(const allocations_counted&) = delete;
    allocations_counted& operator=(const allocations_counted&) = delete;
    ~allocations_counted() {
        const auto count = static_cast<double>(tests::allocations() - before_);
        state_.counters["allocations"] = benchmark::Counter(count, benchmark::Counter::kAvgIterations);
    }

private:
    benchmark::State& state_;
    std::size_t before_;
};
