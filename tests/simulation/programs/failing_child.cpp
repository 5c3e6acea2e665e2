#include "failing_child.hpp"

#include <chrono>

#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

#include "../scenario.hpp"

namespace simulation::programs {
namespace {

struct trouble {
    int number;
};

tuyau::task<> fail(duration after) {
    auto slept = co_await tuyau::sleep_for(after);
    expect(slept.has_value(), "a sleep was stopped by nobody");
    throw trouble{42};
}

tuyau::task<> sleep_long(bool& stopped) {
    auto slept = co_await tuyau::sleep_for(std::chrono::hours(1));
    stopped = !slept && tuyau::is_cancelled(slept.error());
}

} // namespace

tuyau::task<> fail_beside_a_sleeper() {
    kernel& here = kernel::current();
    const instant began = here.now();
    bool stopped = false;
    int arrived = 0;
    {
        tuyau::scope both;
        both.spawn(sleep_long(stopped));
        both.spawn(fail(here.random().one_of<duration>(0ns, 1ms, 1s)));
        try {
            co_await both.join();
        } catch (const trouble& thrown) {
            arrived = thrown.number;
        }
    }
    expect(arrived == 42, "what a child had thrown did not reach who awaited it");
    expect(stopped && here.now() - began < 60s, "a child slept on after another one had failed");
}

} // namespace simulation::programs
