// More requests than the queues have room for are stopped at once by a kernel that often does not find them: all end.

#include <array>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

#include "../programs/descriptors.hpp"
#include "../scenario.hpp"

namespace simulation::scenarios {
namespace {

using tuyau::task;

task<> read_one(int fd, std::size_t& ended) {
    std::array<std::byte, 1> space{};
    auto got = co_await tuyau::read_some(fd, space);
    expect(!got && tuyau::is_cancelled(got.error()), "a read from an empty pipe ended by itself");
    ++ended;
}

task<> stop_many(kernel& here) {
    programs::pipe_ends empty(here, 1);
    std::size_t ended = 0;
    const auto count = here.random().between<std::size_t>(1, 60);
    tuyau::scope readers;
    for (std::size_t number = 0; number < count; ++number) readers.spawn(read_one(empty.read_end(), ended));
    auto slept = co_await tuyau::sleep_for(here.random_delay(2ms));
    expect(slept.has_value(), "nobody stopped this");
    const instant began = here.now();
    if (here.random().chance(0.3)) co_return; // destroyed, which waits for the kernel
    readers.stop();
    co_await readers.join();
    expect(ended == count, "of {} reads {} ended", count, ended);
    expect(here.now() - began < 2s, "the last cancel was done {} s after it was asked for",
           std::chrono::duration<double>(here.now() - began).count());
}

} // namespace

void cancels(kernel& here) {
    faults& weather = here.weather();
    for (const fault each : {fault::interrupted_request, fault::result_despite_cancel}) weather.set(each, 0);
    weather.set(fault::cancel_not_found, here.random().one_of(0.1, 0.4, 0.7));
    tuyau::loop own({.ring = {.submission_entries = 8, .completion_entries = here.random().one_of(8u, 64u)},
                     .buffers = {.initial = 1, .most = 1}});
    own.run(stop_many(here));
}

} // namespace simulation::scenarios
