#include <tuyau/runtime/blocking.hpp>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

namespace tuyau::detail {
namespace {

/// Threads are made when work waits and none is idle. They are never joined: a call that blocks for good must not keep
/// the process from ending. So the pool is never destroyed either.
class thread_pool {
public:
    void submit(std::function<void()> work) {
        std::unique_lock lock(mutex_);
        waiting_.push_back(std::move(work));
        if (idle_ < waiting_.size() && threads_ < blocking_threads) start_thread();
        lock.unlock();
        changed_.notify_one();
    }

private:
    void start_thread() {
        // Signals are for the threads that ask for them.
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            std::thread([this] { work(); }).detach();
            ++threads_;
        } catch (const std::system_error&) {
            if (threads_ == 0) { // otherwise those that there are will do
                pthread_sigmask(SIG_SETMASK, &before, nullptr);
                waiting_.pop_back();
                throw;
            }
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    [[noreturn]] void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            ++idle_;
            changed_.wait(lock, [this] { return !waiting_.empty(); });
            --idle_;
            auto next = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            next();
            next = nullptr;
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> waiting_;
    std::size_t idle_ = 0;
    unsigned threads_ = 0;
};

} // namespace

void on_blocking_thread(std::function<void()> work) {
    static auto* pool = new thread_pool;
    pool->submit(std::move(work));
}

} // namespace tuyau::detail
