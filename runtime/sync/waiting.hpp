#pragma once

#include <concepts>
#include <coroutine>
#include <mutex>
#include <utility>

#include <tuyau/runtime/inbox.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/suspension.hpp>

/// What the synchronisation of coroutines is made of. Each kind (event, semaphore, mutex, latch, channel) is written once,
/// over one of two policies: `within_loop`, for the coroutines of one loop, which needs no lock and no atomic operation;
/// and `across_loops`, for those of several loops and for threads that have none. What a coroutine does across loops wakes
/// the others with its own loop's next submission: at once, unless it goes on to block its thread.
namespace tuyau::detail {

struct within_loop {
    /// Locks nothing: one thread.
    struct lockable {
        void lock() noexcept {}
        void unlock() noexcept {}
    };

    /// Who waits, in the list of its owner until it is woken.
    class waiter : public suspension {
    public:
        void wake() noexcept { resume_soon(); }

    protected:
        void open() noexcept {}
        void withdraw() noexcept {}
        void leave_list() noexcept { unlink(); }
    };
    using node = suspension;
};

struct across_loops {
    using lockable = std::mutex;

    /// Who waits: in the list of its owner under the owner's lock; once woken in the inbox of its loop, then among the
    /// loop's ready ones.
    class waiter : public suspension, public message {
    public:
        /// Under the owner's lock, on any thread: until it is released the waiter cannot go away.
        void wake() noexcept { home_->post(*this); }

    protected:
        /// On the waiter's thread, before it is in any list.
        void open() { home_ = loop::current().handle(); }
        void withdraw() noexcept { home_->withdraw(*this); }
        void leave_list() noexcept { message::unlink(); }

    private:
        void deliver() noexcept final { resume_soon(); }

        loop_handle home_;
    };
    using node = message;
};

/// One coroutine that waits to be admitted by `Owner`, which has under its lock `mutex_`: a list `waiting_`; `bool admit()`,
/// whether a newcomer may go on at once; and `void admitted_in_vain()`, for one that was admitted and destroyed before it
/// went on.
template <class Owner>
class [[nodiscard("nothing is waited for until this is awaited")]] admission final : public Owner::policy::waiter {
public:
    explicit admission(Owner& owner) noexcept : owner_(owner) {}
    admission(const admission&) = delete;
    admission& operator=(const admission&) = delete;
    ~admission() {
        if (!waiting_) return;
        const std::lock_guard lock(owner_.mutex_);
        if (admitted_) {
            this->withdraw();
            owner_.admitted_in_vain();
        } else {
            this->leave_list();
        }
    }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (this->is_stopped(handle)) return false;
        this->open();
        const std::lock_guard lock(owner_.mutex_);
        admitted_ = owner_.admit();
        if (admitted_) return false;
        this->begin_wait(handle);
        waiting_ = true;
        owner_.waiting_.push_back(*this);
        return true;
    }

    result<void> await_resume() noexcept {
        waiting_ = false;
        if (!admitted_) return failure(std::errc::operation_canceled);
        return {};
    }

    void stop() noexcept override {
        {
            const std::lock_guard lock(owner_.mutex_);
            if (admitted_) return; // who was admitted goes on
            this->leave_list();
        }
        waiting_ = false;
        this->resume_soon();
    }

    /// By the owner, under its lock.
    void admit() noexcept {
        admitted_ = true;
        this->wake();
    }

private:
    Owner& owner_;
    bool waiting_ = false;  // on the waiter's own thread
    bool admitted_ = false; // under the owner's lock, until it goes on
};

} // namespace tuyau::detail
