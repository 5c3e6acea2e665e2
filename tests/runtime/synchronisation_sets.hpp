#pragma once

#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/sync/latch.hpp>
#include <tuyau/runtime/sync/mutex.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>

namespace tests {

/// The two sets of what coroutines synchronise by, for tests that hold for both.
struct of_one_loop {
    using event = tuyau::event;
    using latch = tuyau::latch;
    using mutex = tuyau::mutex;
    using semaphore = tuyau::semaphore;
    using channel = tuyau::channel<int>;
};
struct of_several_loops {
    using event = tuyau::concurrent::event;
    using latch = tuyau::concurrent::latch;
    using mutex = tuyau::concurrent::mutex;
    using semaphore = tuyau::concurrent::semaphore;
    using channel = tuyau::concurrent::channel<int>;
};

} // namespace tests
