// What coroutines of one loop wait for each other with: an event, a semaphore, a mutex that is held across an await, and a
// latch. They are fair, need no atomic operation, and every wait answers to stops and deadlines. The same names in
// tuyau::concurrent serve coroutines of several loops.
//
// Prints how many swimmers shared two lanes, and the log that they wrote one at a time.

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/sync/latch.hpp>
#include <tuyau/runtime/sync/mutex.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;

namespace {

struct pool {
    event opened;
    semaphore lanes{2};
    mutex log_lock;
    latch everybody_swam{4};
    std::string log;
    int most = 0;
};

task<> swim(pool& here, int number) {
    co_await here.opened.wait();
    co_await here.lanes.acquire();
    here.most = std::max(here.most, 2 - static_cast<int>(here.lanes.available()));
    co_await yield(); // stands for swimming
    here.lanes.release();
    {
        auto held = co_await here.log_lock.lock();
        here.log += fmt::format("{} begins, ", number);
        co_await yield(); // nobody else writes meanwhile
        here.log += fmt::format("{} ends\n", number);
    }
    here.everybody_swam.count_down();
}

task<> show() {
    pool here;
    scope swimmers;
    for (int number = 1; number <= 4; ++number) swimmers.spawn(swim(here, number));
    here.opened.set();
    co_await here.everybody_swam.wait();
    fmt::print("at most {} swam at a time\n{}", here.most, here.log);
    co_await swimmers.join();
}

} // namespace

int main() { return tuyau::run(show()); }
