#pragma once

#include <cstdint>
#include <initializer_list>

#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Receives signals in a coroutine in place of a handler: `signal_set ends{SIGINT, SIGTERM}; co_await ends.next();`
///
/// While it lives the signals are blocked for the thread that made it, and for the threads it starts (signalfd(2)): make
/// it before other threads are started.
class signal_set {
public:
    /// Throws `std::system_error` when no descriptor is left, and for what cannot be received: a number that is no signal,
    /// SIGKILL and SIGSTOP.
    signal_set(std::initializer_list<int> signals);
    signal_set(const signal_set&) = delete;
    signal_set& operator=(const signal_set&) = delete;
    ~signal_set();

    /// Waits for the next of the signals; its number.
    task<result<int>> next();

private:
    std::uint64_t mask_before_ = 0;
    int fd_;
};

} // namespace tuyau
