// Workers are threads with a loop each. run_on runs a task on one of them and gives its outcome here; run_on_each runs
// one on every worker. Stops and exceptions cross as if the task ran here.
//
// Prints the primes below 200000, counted by two workers; the threads that took part; an exception from a worker.

#include <exception>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/when.hpp>
#include <tuyau/runtime/workers.hpp>

using namespace tuyau;

namespace {

bool is_prime(int number) {
    for (int factor = 2; factor * factor <= number; ++factor)
        if (number % factor == 0) return false;
    return number > 1;
}

task<int> count_primes(int from, int to) {
    int count = 0;
    for (int number = from; number < to; ++number) count += is_prime(number);
    co_return count;
}

task<int> fail() {
    throw std::runtime_error("a worker dropped it");
    co_return 0;
}

task<> show() {
    workers cores({.count = 2});
    auto [low, high] =
        co_await when_all(run_on(cores[0], count_primes(0, 130'000)), run_on(cores[1], count_primes(130'000, 200'000)));
    fmt::print("{} primes\n", low + high);

    std::vector<std::thread::id> ids(cores.size());
    auto sign_in = [&ids](std::size_t index) -> task<> {
        ids[index] = std::this_thread::get_id();
        co_return;
    };
    co_await cores.run_on_each(sign_in);
    fmt::print("{} threads\n", std::set(ids.begin(), ids.end()).size());

    try {
        co_await run_on(cores[0], fail());
    } catch (const std::exception& error) {
        fmt::print("here: {}\n", error.what());
    }
}

} // namespace

int main() { return tuyau::run(show()); }
