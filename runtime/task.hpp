#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/trampoline.hpp>

namespace tuyau {

template <class T>
class task;

namespace detail {

/// The task that began `chain`, by `task::run_in`, has finished, and may be destroyed from here. Defined by whoever makes
/// such chains, which is `scope`.
void root_finished(await_chain& chain) noexcept;

class task_promise_base : public frame_pool::pooled {
public:
    std::suspend_always initial_suspend() const noexcept { return {}; }

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
            const task_promise_base& promise = finished.promise();
            if (promise.is_root_) return root_finished(*promise.chain_);
            trampoline::here.next = promise.continuation_;
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }

    await_chain* chain() const noexcept { return chain_; }

private:
    template <class T>
    friend class tuyau::task;

    await_chain* chain_ = nullptr;
    std::coroutine_handle<> continuation_; // none while the awaiter that started us is still on the stack
    bool is_root_ = false; // of its chain, awaited by nobody
    bool awaited_ = false;
};

template <class T>
class task_promise : public task_promise_base {
public:
    task_promise() noexcept {}
    ~task_promise() {
        if (outcome_ == outcome::value) std::destroy_at(std::addressof(value_));
        if (outcome_ == outcome::error) std::destroy_at(std::addressof(error_));
    }

    task<T> get_return_object() noexcept;

    template <class U = T>
    requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
        std::construct_at(std::addressof(value_), std::forward<U>(value));
        outcome_ = outcome::value;
    }

    void unhandled_exception() noexcept {
        std::construct_at(std::addressof(error_), std::current_exception());
        outcome_ = outcome::error;
    }

    T take() {
        if (outcome_ == outcome::error) std::rethrow_exception(std::move(error_));
        return std::move(value_);
    }

private:
    enum class outcome : unsigned char { none, value, error };
    union {
        T value_;
        std::exception_ptr error_;
    };
    outcome outcome_ = outcome::none;
};

template <>
class task_promise<void> : public task_promise_base {
public:
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error_ = std::current_exception(); }
    void take() {
        if (error_) std::rethrow_exception(std::move(error_));
    }

private:
    std::exception_ptr error_;
};

/// In place of the frame of a task that never had one, having finished before it was made.
struct alignas(std::max_align_t) no_frame {};
inline constinit no_frame finished_without_frame;

} // namespace detail

/// A coroutine that starts when it is awaited and gives its awaiter a `T`, or the exception that left it.
///
/// Lazy, move-only, awaited once, on the thread of the loop that runs its awaiter. Awaiting a task that finishes without
/// suspending does not grow the stack, with any compiler and any flags, and neither does a recursion of tasks. Destroying
/// a task is safe at any point where it is suspended: what it has in flight is cancelled and waited for first.
template <class T = void>
class [[nodiscard("a task does nothing until it is awaited or spawned")]] task {
    static_assert(!std::is_reference_v<T>, "a task gives a value; return a pointer or std::reference_wrapper instead");

public:
    using promise_type = detail::task_promise<T>;
    using value_type = T;

    task() noexcept = default;
    task(task && other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            reset();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    ~task() { reset(); }

    /// A task that has finished already, for a function that turned out to have nothing to wait for: it costs no frame.
    static task done() noexcept requires std::is_void_v<T> {
        return task(std::coroutine_handle<promise_type>::from_address(&detail::finished_without_frame));
    }

    /// False for a task that was moved from or default-made; such a task must not be awaited.
    explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

    class awaiter {
    public:
        awaiter(std::coroutine_handle<promise_type> child, await_chain* chain) noexcept
            : child_(child), chain_(chain) {}

        bool await_ready() const noexcept { return !has_frame(child_); }

        template <class Promise>
        bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
            auto& promise = child_.promise();
            promise.chain_ = chain_ != nullptr ? chain_ : chain_of(parent.promise());
            auto& here = trampoline::here;
            if (here.depth == trampoline::deepest) {
                promise.continuation_ = parent;
                here.next = child_;
                return true;
            }
            ++here.depth;
            child_.resume();
            --here.depth;
            if (child_.done()) return false;
            promise.continuation_ = parent;
            return true;
        }

        T await_resume() { return outcome_of(child_); }

    private:
        std::coroutine_handle<promise_type> child_;
        await_chain* chain_;
    };

    class end_awaiter {
    public:
        explicit end_awaiter(std::coroutine_handle<promise_type> child) noexcept : child_(child) {}
        bool await_ready() const noexcept { return !has_frame(child_) || child_.done(); }
        void await_suspend(std::coroutine_handle<> parent) const noexcept { child_.promise().continuation_ = parent; }
        T await_resume() { return outcome_of(child_); }

    private:
        std::coroutine_handle<promise_type> child_;
    };

    /// Starts the task in the chain of its awaiter.
    awaiter operator co_await()&& noexcept { return in_chain(nullptr); }

    /// For building blocks: an awaiter that runs the task in a chain of its own.
    awaiter in_chain(await_chain * chain) noexcept {
        begin_use();
        return awaiter(handle_, chain);
    }

    /// For building blocks: runs the task as the root of `chain`, in no coroutine. Its end is told to `root_finished`,
    /// perhaps before this returns.
    void run_in(await_chain & chain) {
        begin_use();
        if (!has_frame(handle_)) return detail::root_finished(chain);
        handle_.promise().is_root_ = true;
        handle_.promise().chain_ = &chain;
        trampoline::run(handle_);
    }

    /// For building blocks: runs the task in `chain`, in no coroutine, until it waits for something. Whether it has
    /// finished without: then `take` is next, and `end` else.
    bool start(await_chain * chain) {
        begin_use();
        if (!has_frame(handle_)) return true;
        handle_.promise().chain_ = chain;
        trampoline::run(handle_);
        return handle_.done();
    }

    /// Awaits the end of a task that was started.
    end_awaiter end() noexcept { return end_awaiter(handle_); }

    /// What a task that was run for an owner, or started, has given.
    T take() { return outcome_of(handle_); }

private:
    friend promise_type;
    explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
        // It puts a bool before the frame of a coroutine that has no variable of its own and looks at what it awaits in a
        // condition; the handle then points beside the frame.
        require(reinterpret_cast<std::uintptr_t>(handle.address()) % alignof(std::max_align_t) == 0,
                "g++ 12 miscompiled a coroutine: give what it awaits in a condition (if, while, switch) a name first");
#endif
    }

    static bool has_frame(std::coroutine_handle<promise_type> handle) noexcept {
        return !std::is_void_v<T> || handle.address() != &detail::finished_without_frame;
    }

    static T outcome_of(std::coroutine_handle<promise_type> handle) {
        if constexpr (std::is_void_v<T>)
            if (!has_frame(handle)) return;
        return handle.promise().take();
    }

    void begin_use() noexcept {
        require(static_cast<bool>(handle_), "an empty task was awaited (was it moved from?)");
        if (has_frame(handle_)) require(!std::exchange(handle_.promise().awaited_, true), "a task was awaited twice");
    }

    void reset() noexcept {
        auto handle = std::exchange(handle_, nullptr);
        if (handle && has_frame(handle)) handle.destroy();
    }

    std::coroutine_handle<promise_type> handle_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<task_promise<T>>::from_promise(*this));
}

inline task<void> task_promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<task_promise<void>>::from_promise(*this));
}

} // namespace detail

} // namespace tuyau
