// A stop reaches whatever a task waits for, through every level, and no coroutine hands a token on. It comes from a
// std::stop_token, which any thread may stop; and this_stop_token gives one to code that knows nothing of tasks.
//
// Prints who hears of the stop that another thread asks for, from the inside to the outside.

#include <chrono>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<> wait_for_long() {
    std::stop_callback library(co_await this_stop_token(), [] { fmt::print("a library that was given the token\n"); });
    auto slept = co_await sleep_for(1h);
    if (!slept) fmt::print("the sleep: {}\n", slept.error().message());
}

task<> level(int depth) {
    if (depth == 0)
        co_await wait_for_long();
    else
        co_await level(depth - 1);
}

task<> show() {
    std::stop_source source;
    std::jthread other([&source] { source.request_stop(); });
    auto ended = co_await with_stop(source.get_token(), level(5));
    fmt::print("with_stop: {}\n", ended ? "finished" : ended.error().message());
}

} // namespace

int main() { return tuyau::run(show()); }
