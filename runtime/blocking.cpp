#include <tuyau/runtime/blocking.hpp>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include <tuyau/runtime/thread.hpp>

namespace tuyau::detail {

/// Threads are made when work waits and none is idle. They are never joined: a call that blocks for good must not keep
/// the process from ending. So the pool is never destroyed either.
class blocking_pool {
public:
    static blocking_pool& instance() {
        static auto* pool = new blocking_pool;
        return *pool;
    }

    void submit(const std::shared_ptr<blocking_call>& call) {
        std::unique_lock lock(mutex_);
        ++waiting_count_;
        if (idle_ < waiting_count_ && threads_ < blocking_threads) start_thread();
        call->self_ = call;
        call->queued_ = true;
        waiting_.push_back(*call);
        lock.unlock();
        changed_.notify_one();
    }

    /// Takes back a call that no thread has begun; whether it was one.
    bool withdraw(blocking_call& call) noexcept {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(call.queued_, false)) return false;
        call.unlink();
        --waiting_count_;
        return true;
    }

private:
    void start_thread() {
        try {
            detail::start_thread([this] { work(); }).detach();
            ++threads_;
        } catch (...) {
            if (threads_ != 0) return; // those that there are will do
            --waiting_count_;
            throw;
        }
    }

    [[noreturn]] void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            ++idle_;
            changed_.wait(lock, [this] { return waiting_count_ != 0; });
            --idle_;
            --waiting_count_;
            auto& next = static_cast<blocking_call&>(*waiting_.pop_front());
            next.queued_ = false;
            lock.unlock();
            next.run();
            post(next);
            lock.lock();
        }
    }

    static void post(blocking_call& done) noexcept {
        // The call and its message may be gone as soon as the loop has the message.
        const loop_handle home = done.home_;
        if (!home->post(done)) done.discard();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    list<message> waiting_;
    std::size_t waiting_count_ = 0;
    std::size_t idle_ = 0;
    unsigned threads_ = 0;
};

void blocking_call::deliver() noexcept {
    const std::shared_ptr<blocking_call> self = std::move(self_);
    if (waiter_ == nullptr) return;
    waiter_->finished_ = true;
    waiter_->resume_soon();
    waiter_ = nullptr;
}

void blocking_call::finished::submit() { blocking_pool::instance().submit(call_); }

void blocking_call::finished::give_up() noexcept {
    if (call_->waiter_ == nullptr) return;
    call_->waiter_ = nullptr;
    if (blocking_pool::instance().withdraw(*call_)) call_->self_.reset();
}

} // namespace tuyau::detail
