#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/buffers.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/inbox.hpp>
#include <tuyau/runtime/lookout.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/ring.hpp>
#include <tuyau/runtime/scheduler.hpp>
#include <tuyau/runtime/suspension.hpp>
#include <tuyau/runtime/system.hpp>
#include <tuyau/runtime/task.hpp>
#include <tuyau/runtime/timer_wheel.hpp>
#include <tuyau/runtime/traffic.hpp>

namespace tuyau {

struct loop_options {
    ring_options ring{};
    buffer_options buffers{};
};

/// How other threads name a loop: to hand tasks to it, see `run_on`. A value that may be kept and copied on any thread,
/// also when the loop has ended.
using loop_handle = std::shared_ptr<inbox>;

/// One thread's event loop: its ring, its receive buffers, its timers, and the coroutines that are ready to go on.
///
/// Bound to the thread that makes it, on which it is `loop::current()` until it is destroyed. Each round resumes what is
/// ready, expires timers, submits what was prepared in one call into the kernel, and reads what has completed. Destroying
/// it cancels what is still in flight and waits for the last completion of each request.
class loop {
public:
    using clock = system::clock;

    /// Throws `ring_error`, and `std::invalid_argument` for a fault in the environment, as `ring` does: the what() of both
    /// names the cause and the remedy.
    explicit loop(loop_options options = {});
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    ~loop();

    /// The loop of the calling thread. There must be one.
    static loop& current() noexcept {
        require(current_ != nullptr, "no loop runs on this thread (use tuyau::run, or make a tuyau::loop first)");
        return *current_;
    }

    /// The loop of the calling thread, or null.
    static loop* current_or_null() noexcept { return current_; }

    /// Runs `work` and whatever it starts until `work` has finished; its value, or its exception. Not from a coroutine.
    template <class T>
    T run(task<T> work);

    /// The time of the present round: one look at the clock, when it is first asked for, serves a whole round.
    clock::time_point now() noexcept {
        if (!now_) now_ = system::now();
        return *now_;
    }

    ring& requests() noexcept { return ring_; }
    buffers& receive_buffers() noexcept { return *buffers_; }
    tuyau::traffic& traffic() noexcept { return traffic_; }
    lookout& quiet_streams() noexcept { return quiet_streams_; }

    void arm(timer_node& timer, clock::time_point when) noexcept {
        if (!timers_.any()) timers_.advance(now()); // it stands still while nothing is armed
        timers_.arm(timer, when);
    }

    /// True while the loop is being destroyed: nothing new is to be put in flight.
    bool closing() const noexcept { return closing_; }

    /// For other threads to reach this loop by.
    const loop_handle& handle() const noexcept { return inbox_; }

    /// Leaves a message for a later round of this loop, on its own thread.
    void defer(message& letter) noexcept { deferred_.push_back(letter); }

    /// The task from another loop whose coroutines run at this moment, if any.
    const detail::handover* visitor() const noexcept { return scheduler_.visitor; }
    void visitor_came() noexcept { ++visitors_; }
    void visitor_left() noexcept { --visitors_; }

    /// Tasks that other loops have handed to this one and that have not ended.
    std::size_t visitors() const noexcept { return visitors_; }

    /// From a coroutine of this loop: wakes the loop of `target` with this loop's next submission. False when that cannot
    /// be, and has to be done in another way.
    bool wake_through_ring(inbox& target) noexcept;

    /// Blocks the thread until `finished()`, reading completions and resuming nobody: for destructors that have to wait
    /// for the kernel to let go of memory.
    template <std::predicate Finished>
    void wait_until(Finished finished) {
        while (!finished()) {
            buffers_->publish();
            ring_.wait(std::nullopt);
        }
    }

    /// The same for destructors that wait for another loop: delivers messages meanwhile.
    template <std::predicate Finished>
    void wait_for_messages(Finished finished) {
        while (!finished()) {
            deliver_messages();
            if (finished()) break;
            buffers_->publish();
            if (inbox_->may_sleep())
                ring_.wait(std::nullopt);
            else
                ring_.poll();
            inbox_->awake();
        }
    }

private:
    // Told when a wake-up that was sent through the ring has failed.
    struct wake_failure final : completion_target {
        explicit wake_failure(loop& here) noexcept : owner(here) {}
        void complete(int outcome, unsigned flags) noexcept override;
        loop& owner;
    };

    // A loop that this one has woken through its ring, which does not keep the other's descriptor open. No other inbox
    // comes to the same address while this is kept: an inbox and the count of its handles are one allocation.
    struct woken {
        const inbox* address;
        std::weak_ptr<inbox> handle;
        unsigned wake_up; // where the request lies
    };

    void run_until(std::coroutine_handle<> root, const bool& finished);
    void round();
    void sleep_or_poll();
    void wake_woken() noexcept;
    void deliver_messages();

    struct retire_buffers {
        void operator()(buffers* pool) const noexcept { pool->retire(); }
    };

    static constinit thread_local loop* current_;

    loop* previous_;
    ring ring_;
    std::unique_ptr<buffers, retire_buffers> buffers_;
    std::optional<clock::time_point> now_; // once somebody has asked in this round
    timer_wheel timers_;
    lookout quiet_streams_; // after the timers, of which it is one
    tuyau::traffic traffic_;
    scheduler scheduler_;
    scheduler* previous_scheduler_;
    loop_handle inbox_;
    list<message> deferred_;
    std::size_t visitors_ = 0;
    std::vector<woken> woken_;
    wake_failure wake_failure_{*this};
    unsigned rounds_without_sleep_ = 0;
    bool running_ = false;
    bool in_round_ = false;
    bool closing_ = false;
};

namespace detail {

/// The coroutine at the bottom of `loop::run`.
class root {
public:
    struct promise_type : frame_pool::pooled {
        promise_type(await_chain& chain, bool& finished, auto&) noexcept : chain_(&chain), finished_(&finished) {}
        root get_return_object() noexcept { return root(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept {
            *finished_ = true;
            return {};
        }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
        await_chain* chain() const noexcept { return chain_; }

    private:
        await_chain* chain_;
        bool* finished_;
    };

    root(const root&) = delete;
    root& operator=(const root&) = delete;
    ~root() { handle_.destroy(); }

    std::coroutine_handle<> handle() const noexcept { return handle_; }

private:
    explicit root(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

template <class T>
struct root_outcome {
    task<T> work;
    std::optional<T> value;
    std::exception_ptr error;
};

template <>
struct root_outcome<void> {
    task<void> work;
    std::exception_ptr error;
};

template <class T>
root run_root(await_chain&, bool&, root_outcome<T>& outcome) {
    try {
        if constexpr (std::is_void_v<T>)
            co_await std::move(outcome.work);
        else
            outcome.value.emplace(co_await std::move(outcome.work));
    } catch (...) {
        outcome.error = std::current_exception();
    }
}

} // namespace detail

template <class T>
T loop::run(task<T> work) {
    bool finished = false;
    await_chain chain;
    detail::root_outcome<T> outcome{};
    outcome.work = std::move(work);
    {
        detail::root root = detail::run_root(chain, finished, outcome);
        run_until(root.handle(), finished);
    }
    outcome.work = {};
    if (outcome.error) std::rethrow_exception(outcome.error);
    if constexpr (!std::is_void_v<T>) return std::move(*outcome.value);
}

} // namespace tuyau
