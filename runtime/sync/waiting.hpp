#pragma once

#include <concepts>
#include <coroutine>
#include <mutex>
#include <utility>

#include <tuyau/runtime/contract.hpp>
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

/// One coroutine that waits in a list of `Owner`, under the owner's lock `mutex_`, until the owner wakes it.
template <class Owner>
class queued : public Owner::policy::waiter {
public:
    queued(const queued&) = delete;
    queued& operator=(const queued&) = delete;

    bool await_ready() const noexcept { return false; }

    void stop() noexcept override {
        {
            const std::lock_guard lock(owner_.mutex_);
            if (woken_) return; // it goes on with what it was woken for
            this->leave_list();
        }
        stopped_ = true;
        waiting_ = false;
        this->resume_soon();
    }

    /// By the owner, under its lock.
    void wake_up() noexcept {
        woken_ = true;
        this->wake();
    }

protected:
    explicit queued(Owner& owner) noexcept : owner_(owner) {}
    ~queued() = default;

    /// From await_suspend, under the lock.
    template <class Promise>
    void wait_in(list<typename Owner::policy::node>& list, std::coroutine_handle<Promise> handle) noexcept {
        this->begin_wait(handle);
        waiting_ = true;
        list.push_back(*this);
    }

    /// When it is destroyed in place of being resumed, under the lock: leaves whatever list it is in.
    void leave() noexcept {
        if (woken_)
            this->withdraw();
        else
            this->leave_list();
    }

    Owner& owner_;
    bool stopped_ = false;
    bool waiting_ = false; // on the waiter's own thread
    bool woken_ = false;   // under the owner's lock, until it goes on
};

/// One coroutine that waits to be admitted by a `waited_for`.
template <class Owner>
class [[nodiscard("nothing is waited for until this is awaited")]] admission final : public queued<Owner> {
public:
    explicit admission(Owner& owner) noexcept : queued<Owner>(owner) {}
    ~admission() {
        if (!this->waiting_) return;
        const std::lock_guard lock(this->owner_.mutex_);
        this->leave();
        if (this->woken_) this->owner_.admitted_in_vain();
    }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (this->is_stopped(handle)) return false;
        this->open();
        const std::lock_guard lock(this->owner_.mutex_);
        admitted_at_once_ = this->owner_.admit();
        if (admitted_at_once_) return false;
        this->wait_in(this->owner_.waiting_, handle);
        return true;
    }

    result<void> await_resume() noexcept {
        this->waiting_ = false;
        if (!admitted_at_once_ && !this->woken_) return failure(std::errc::operation_canceled);
        return {};
    }

private:
    bool admitted_at_once_ = false;
};

/// Base of what coroutines wait for, one after another. `Kind` has, to be called under the lock: `bool admit()`, whether a
/// newcomer may go on at once; and `void admitted_in_vain()`, for one that was admitted and destroyed before it went on.
template <class Kind, class Policy>
class waited_for {
public:
    using policy = Policy;

    waited_for(const waited_for&) = delete;
    waited_for& operator=(const waited_for&) = delete;

protected:
    waited_for() noexcept = default;
    ~waited_for() {
        const std::lock_guard lock(mutex_); // who woke the last waiter may not have let go of it yet
        require(waiting_.empty(), Kind::destroyed_too_early);
    }

    // Under the lock.
    bool admit_next() noexcept {
        auto* next = waiting_.pop_front();
        if (next != nullptr) static_cast<admission<Kind>&>(*next).wake_up();
        return next != nullptr;
    }
    void admit_all() noexcept {
        while (admit_next()) {}
    }

    mutable typename Policy::lockable mutex_;
    list<typename Policy::node> waiting_;

private:
    friend class queued<Kind>;
    friend class admission<Kind>;
};

} // namespace tuyau::detail
