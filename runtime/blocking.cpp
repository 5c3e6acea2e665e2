#include <tuyau/runtime/blocking.hpp>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include <tuyau/runtime/thread.hpp>

namespace tuyau::detail {

/// Threads are made when work waits and none is idle. They are never joined: a call that blocks for good must not keep
/// the process from ending. So the pools are never destroyed either.
class blocking_pool {
public:
    static blocking_pool& instance(waits_for what) {
        static auto* machine = new blocking_pool(blocking_threads);
        static auto* network = new blocking_pool(blocking_threads_for_network);
        return what == waits_for::machine ? *machine : *network;
    }

    /// False when no thread is left that could ever make the call.
    bool submit(const std::shared_ptr<blocking_call>& call) {
        std::unique_lock lock(mutex_);
        if (forgotten_ == most_blocking_threads) return false;
        ++waiting_count_;
        if (needs_thread()) start_thread();
        call->self_ = call;
        call->queued_ = true;
        waiting_.push_back(*call);
        lock.unlock();
        changed_.notify_one();
        return true;
    }

    /// Nobody waits for the call any more. Takes it back if no thread has begun it: whether it was so.
    bool withdraw(blocking_call& call) noexcept {
        const std::lock_guard lock(mutex_);
        if (call.runs_) {
            call.forgotten_ = true;
            ++forgotten_;
            make_up_for_forgotten();
        }
        if (!std::exchange(call.queued_, false)) return false;
        call.unlink();
        --waiting_count_;
        return true;
    }

private:
    explicit blocking_pool(unsigned places) : places_(places) {}

    bool needs_thread() const noexcept {
        return idle_ < waiting_count_ && threads_ - forgotten_ < places_ && threads_ < most_blocking_threads;
    }

    void start_thread() {
        try {
            detail::start_thread([this] { work(); }).detach();
            ++threads_;
        } catch (...) {
            if (threads_ != forgotten_) return; // those that there are will do
            --waiting_count_;
            throw;
        }
    }

    void make_up_for_forgotten() noexcept {
        try {
            if (!needs_thread()) return;
            detail::start_thread([this] { work(); }).detach();
            ++threads_;
        } catch (...) { // they wait for the threads that there are
        }
    }

    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            ++idle_;
            changed_.wait(lock, [this] { return waiting_count_ != 0; });
            --idle_;
            --waiting_count_;
            auto& next = static_cast<blocking_call&>(*waiting_.pop_front());
            next.queued_ = false;
            next.runs_ = true;
            lock.unlock();
            next.run();
            lock.lock();
            next.runs_ = false;
            if (next.forgotten_) --forgotten_;
            const bool is_surplus = threads_ - forgotten_ > places_; // another one was made in its place
            if (is_surplus) --threads_;
            lock.unlock();
            post(next);
            if (is_surplus) return;
            lock.lock();
        }
    }

    static void post(blocking_call& done) noexcept {
        // The call and its message may be gone as soon as the loop has the message.
        const loop_handle home = done.home_;
        if (!home->post(done)) done.discard();
    }

    const unsigned places_;
    std::mutex mutex_;
    std::condition_variable changed_;
    list<message> waiting_;
    std::size_t waiting_count_ = 0;
    std::size_t idle_ = 0;
    unsigned threads_ = 0;
    unsigned forgotten_ = 0; // those with a call that nobody waits for
};

blocking_call::blocking_call(waits_for what) : pool_(blocking_pool::instance(what)), home_(loop::current().handle()) {}

void blocking_call::deliver() noexcept {
    const std::shared_ptr<blocking_call> self = std::move(self_);
    if (waiter_ == nullptr) return;
    waiter_->finished_ = true;
    waiter_->resume_soon();
    waiter_ = nullptr;
}

bool blocking_call::finished::submit() { return call_->pool_.submit(call_); }

void blocking_call::finished::give_up() noexcept {
    if (call_->waiter_ == nullptr) return;
    call_->waiter_ = nullptr;
    if (call_->pool_.withdraw(*call_)) call_->self_.reset();
}

} // namespace tuyau::detail
