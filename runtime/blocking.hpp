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

/// What a blocking call waits for. Calls of one kind never keep those of the other from running.
enum class waits_for {
    machine, ///< disks and processors
    network  ///< such as the answer of a name server, for many seconds sometimes
};

namespace detail {

class blocking_pool;

/// One call for the threads that are kept for blocking calls, and the message that tells its loop of the end. Shared by
/// who waits, if anybody still does, and by the thread that runs it.
class blocking_call : private message {
public:
    blocking_call(const blocking_call&) = delete;
    blocking_call& operator=(const blocking_call&) = delete;

    class finished;

protected:
    explicit blocking_call(waits_for what);
    virtual ~blocking_call() = default;

private:
    friend class blocking_pool;

    virtual void run() noexcept = 0;
    void deliver() noexcept override;
    void discard() noexcept override { self_.reset(); }

    blocking_pool& pool_;
    loop_handle home_;
    finished* waiter_ = nullptr;          // at home
    std::shared_ptr<blocking_call> self_; // from its submission until its message has been delivered

    // Under the pool's lock.
    bool queued_ = false;
    bool runs_ = false;
    bool forgotten_ = false;
};

/// Awaits the end of the call: true; false when the awaiting task was asked to stop first. A call that is still queued
/// then is taken back, one that runs is forgotten. Neither when `refused`: so many forgotten calls still run that no thread
/// is left to make it.
class blocking_call::finished final : public suspension {
public:
    explicit finished(std::shared_ptr<blocking_call> call) noexcept : call_(std::move(call)) {}
    ~finished() { give_up(); }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (is_stopped(handle)) return false;
        refused_ = !submit();
        if (refused_) return false;
        begin_wait(handle);
        call_->waiter_ = this;
        return true;
    }
    bool await_resume() const noexcept { return finished_; }

    bool refused() const noexcept { return refused_; }

    void stop() noexcept override {
        give_up();
        resume_soon();
    }

private:
    friend class blocking_call;
    bool submit();
    void give_up() noexcept;

    std::shared_ptr<blocking_call> call_;
    bool finished_ = false;
    bool refused_ = false;
};

} // namespace detail

/// So many calls that wait for the machine run at once in a process, and so many that wait for the network, which need no
/// processor meanwhile; the others wait for their turn. A call that was forgotten does not count, though it keeps its
/// thread until it returns.
inline constexpr unsigned blocking_threads = 4;
inline constexpr unsigned blocking_threads_for_network = 16;

/// Threads of one kind at most, those with forgotten calls included.
inline constexpr unsigned most_blocking_threads = 64;

/// Runs `call` on a thread kept for calls that block, while the loop goes on; its value. Its exceptions are thrown here.
///
/// `operation_canceled` when the awaiting task is asked to stop first: a call that waits for its turn is then never made;
/// one that runs is forgotten, not interrupted, as it is when the task is destroyed. So it must own all that it uses. When
/// forgotten calls that never return have all threads there may be, `resource_unavailable_try_again`. Throws
/// `std::system_error` when no thread can be started.
template <std::invocable Call>
task<result<std::invoke_result_t<Call&>>> blocking(Call call, waits_for what = waits_for::machine) {
    using value = std::invoke_result_t<Call&>;
    constexpr bool gives_nothing = std::is_void_v<value>;
    struct state final : detail::blocking_call {
        state(Call&& given, waits_for kind) : detail::blocking_call(kind), call(std::move(given)) {}
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
    auto made = std::make_shared<state>(std::move(call), what);
    detail::blocking_call::finished finished(made);
    const bool done = co_await finished;
    if (finished.refused()) co_return failure(std::errc::resource_unavailable_try_again);
    if (!done) co_return failure(std::errc::operation_canceled);
    if (made->error) std::rethrow_exception(made->error);
    if constexpr (gives_nothing)
        co_return result<void>();
    else
        co_return std::move(*made->outcome);
}

} // namespace tuyau
