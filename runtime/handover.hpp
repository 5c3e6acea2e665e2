#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/inbox.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/suspension.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

namespace detail {

class handover;

/// A message that calls a member function of whoever it is part of, and another one in place of it if the loop ends first.
template <class Owner, void (Owner::*Deliver)() noexcept, void (Owner::*Discard)() noexcept = nullptr>
class message_to final : public message {
public:
    explicit message_to(Owner& owner) noexcept : owner_(owner) {}
    void deliver() noexcept override { (owner_.*Deliver)(); }
    void discard() noexcept override {
        if constexpr (Discard != nullptr) (owner_.*Discard)();
    }

private:
    Owner& owner_;
};

/// The coroutine at the bottom of a task's run on the loop that it was handed to. Its frame belongs to the thread that
/// handed it over; all else that it awaits belongs to the loop that runs it.
class visit {
public:
    struct promise_type : frame_pool::pooled {
        explicit promise_type(handover& owner, auto&&...) noexcept : owner_(owner) {}
        visit get_return_object() noexcept { return visit(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }

        struct last {
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<promise_type> handle) const noexcept;
            void await_resume() const noexcept {}
        };
        last final_suspend() const noexcept { return {}; }

        void return_void() const noexcept {}
        void unhandled_exception() noexcept;
        await_chain* chain() noexcept { return &chain_; }

    private:
        friend class handover;
        handover& owner_;
        await_chain chain_;
    };

    visit(visit&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    visit& operator=(visit&&) = delete;
    ~visit() { destroy(); }

    void destroy() noexcept {
        if (auto handle = std::exchange(handle_, nullptr)) handle.destroy();
    }

private:
    friend class handover;
    explicit visit(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

/// One task's way to another loop and back: the part that does not depend on its type. Lives in the frame of the coroutine
/// that waits for it, at home.
///
/// Home sends `start_`, and perhaps `stop_` and `destroy_`; the loop that is visited answers each with one message, the
/// last thing that it does with this object. So home knows when nobody else holds it, and waits for that, in its
/// destructor too.
class handover : public suspension {
public:
    handover(const handover&) = delete;
    handover& operator=(const handover&) = delete;

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) {
        const bool stopped = is_stopped(handle);
        begin_wait_in(handle, chain_of(handle.promise()));
        set_off(stopped);
    }

    void stop() noexcept override;

protected:
    handover(loop_handle there, visit made) noexcept
        : there_(std::move(there)), home_(loop::current().handle()), visit_(std::move(made)) {
        require(there_ != nullptr, "a task was handed to no loop");
    }
    ~handover() = default;

    /// First in the destructor of the derived class: nothing of it may go while the task still runs.
    void destroy_work() noexcept;

    std::exception_ptr error_; // written there, read at home

private:
    friend struct visit::promise_type;
    friend struct visit::promise_type::last;

    // At home.
    void set_off(bool stopped);
    void send(message& letter);
    void answered() noexcept;

    // There.
    void arrive() noexcept;
    void turned_away() noexcept;
    void stop_there() noexcept;
    void destroy_there() noexcept;
    void end_there() noexcept;
    void answer(message& letter) noexcept;

    // The first run there is a resumption like any other.
    struct first_run final : suspension {
        using suspension::begin_visit;
        using suspension::resume_soon;
        void stop() noexcept override {}
    };

    loop_handle there_;
    loop_handle home_;
    visit visit_;
    message_to<handover, &handover::arrive, &handover::turned_away> start_{*this};
    message_to<handover, &handover::stop_there> stop_{*this};
    message_to<handover, &handover::destroy_there> destroy_{*this};
    message_to<handover, &handover::answered> ended_{*this};
    message_to<handover, &handover::answered> stop_seen_{*this};
    message_to<handover, &handover::answered> destroy_seen_{*this};
    unsigned unanswered_ = 0; // at home
    bool stop_sent_ = false;  // at home
    bool destroying_ = false; // at home
    bool over_there_ = false; // there: has ended
    first_run first_run_;     // there
};

template <class T>
task<T> work_of(task<T>& given) noexcept {
    return std::move(given);
}

template <class Call>
auto work_of(Call& call) -> decltype(call()) {
    return call();
}

/// `Work`: a task, or a function that gives one.
template <class T, class Work>
class handover_of final : public handover {
public:
    handover_of(loop_handle there, Work work) : handover(std::move(there), run(*this, std::move(work))) {}

    ~handover_of() { destroy_work(); }

    T await_resume() {
        if (error_) std::rethrow_exception(std::move(error_));
        if constexpr (!std::is_void_v<T>) return std::move(*value_);
    }

private:
    // The task's frame is destroyed there too, with whatever it holds of that loop.
    static visit run(handover_of& owner, Work given) {
        task<T> work = work_of(given);
        if constexpr (std::is_void_v<T>)
            co_await std::move(work);
        else
            owner.value_.emplace(co_await std::move(work));
    }

    struct nothing {};
    std::conditional_t<std::is_void_v<T>, nothing, std::optional<T>> value_;
};

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

template <class Call>
concept gives_task = std::invocable<Call&> && is_task<std::invoke_result_t<Call&>>;

} // namespace detail

/// Runs `work` on the loop `there`, another thread's or this one's, and gives its outcome here. Nothing of `work` runs on
/// this thread; its result and its exception are moved back.
///
/// A stop of the awaiting task is passed on. When the awaiting task is destroyed instead, `work` is destroyed on its own
/// loop, and this thread blocks until it has been. The loop must not end meanwhile.
template <class T>
task<T> run_on(loop_handle there, task<T> work) {
    require(static_cast<bool>(work), "an empty task was handed to a loop (was it moved from?)");
    detail::handover_of<T, task<T>> way(std::move(there), std::move(work));
    co_return co_await way;
}

/// The same for the task that `call` gives, which is called there: the task's memory then comes from that thread's pool
/// and goes back to it, so that once warm nothing is allocated. `call` lives until the task has finished.
template <detail::gives_task Call>
auto run_on(loop_handle there, Call call) -> std::invoke_result_t<Call&> {
    using value = typename std::invoke_result_t<Call&>::value_type;
    detail::handover_of<value, Call> way(std::move(there), std::move(call));
    co_return co_await way;
}

} // namespace tuyau
