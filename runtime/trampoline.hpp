#pragma once

#include <coroutine>
#include <utility>

namespace tuyau::trampoline {

/// How coroutines hand control to each other without growing the stack, whatever the compiler makes of a tail call
/// (g++ makes none at -O0 or under a sanitizer).
///
/// An awaited task starts as a plain call, so one that finishes at once costs a call and a return. Past `deepest`
/// nested starts, and whenever a task finishes after it was suspended, the coroutine to go on with is left in `next`
/// and everything returns to `run`, which resumes it from the bottom of the stack.
inline constexpr unsigned deepest = 128;

struct state {
    std::coroutine_handle<> next;
    unsigned depth;
};

inline constinit thread_local state here{};

/// Resumes `handle`, then whatever it left to go on with, until nothing is left.
inline void run(std::coroutine_handle<> handle) {
    state outer = std::exchange(here, state{});
    do {
        handle.resume();
        handle = std::exchange(here.next, nullptr);
    } while (handle);
    here = outer;
}

} // namespace tuyau::trampoline
