#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <tuyau/runtime/inbox.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/suspension.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

namespace detail {

/// One call for the threads that are kept for blocking calls, and the message that tells its loop of the end. Shared by
/// who waits, if anybody still does, and by the thread that runs it.
class blocking_call : private message {
public:
    blocking_call(const blocking_call&) = delete;
    blocking_call& operator=(const blocking_call&) = delete;

    class finished;

protected:
    blocking_call() : home_(loop::current().handle()) {}
    virtual ~blocking_call() = default;

private:
    friend class blocking_pool;

    virtual void run() noexcept = 0;
    void deliver() noexcept override;
    void discard() noexcept override { self_.reset(); }

    loop_handle home_;
    finished* waiter_ = nullptr;          // at home
    std::shared_ptr<blocking_call> self_; // from its submission until its message has been delivered
    bool queued_ = false;                 // under the pool's lock
};

/// Awaits the end of the call: true; false when the awaiting task was asked to stop first. A call that is still queued
/// then is taken back, one that runs is forgotten.
class blocking_call::finished final : public suspension {
public:
    explicit finished(std::shared_ptr<blocking_call> call) noexcept : call_(std::move(call)) {}
    ~finished() { give_up(); }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (is_stopped(handle)) return false;
        submit();
        begin_wait(handle);
        call_->waiter_ = this;
        return true;
    }
    bool await_resume() const noexcept { return finished_; }

    void stop() noexcept override {
        give_up();
        resume_soon();
    }

private:
    friend class blocking_call;
    void submit();
    void give_up() noexcept;

    std::shared_ptr<blocking_call> call_;
    bool finished_ = false;
};

} // namespace detail

/// Calls that block run on at most so many threads of the process at once; the others wait for their turn.
inline constexpr unsigned blocking_threads = 4;

/// Runs `call` on a thread kept for calls that block, while the loop goes on; its value. Its exceptions are thrown here.
///
/// `operation_canceled` when the awaiting task is asked to stop first: a call that waits for its turn is then never made;
/// one that runs is forgotten, not interrupted, as it is when the task is destroyed. So it must own all that it uses. It
/// keeps its thread until it returns: as many calls that never do, and no other is ever made (name look-ups included).
/// Throws `std::system_error` when no thread can be started.
template <std::invocable Call>
task<result<std::invoke_result_t<Call&>>> blocking(Call call) {
    using value = std::invoke_result_t<Call&>;
    constexpr bool gives_nothing = std::is_void_v<value>;
    struct state final : detail::blocking_call {
        explicit state(Call&& given) : call(std::move(given)) {}
        void run() noexcept override {
            try {
                if constexpr (gives_nothing)
                    call();
                else
                    outcome.emplace(call());
            } catch (...) {
                error = std::current_exception();
            }
        }
        Call call;
        std::optional<std::conditional_t<gives_nothing, bool, value>> outcome;
        std::exception_ptr error;
    };
    auto made = std::make_shared<state>(std::move(call));
    detail::blocking_call::finished finished(made);
    if (!co_await finished) co_return failure(std::errc::operation_canceled);
    if (made->error) std::rethrow_exception(made->error);
    if constexpr (gives_nothing)
        co_return result<void>();
    else
        co_return std::move(*made->outcome);
}

} // namespace tuyau
