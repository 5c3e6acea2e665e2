#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <limits>
#include <utility>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/suspension.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Owns child tasks that run beside each other on the loop of their parent. No child outlives it.
///
/// `co_await join()` waits until all have finished; the first exception that left a child stops the others and is thrown
/// from there. Destroying a scope stops its children and destroys them; what they have in flight is cancelled and waited
/// for. Used on one loop's thread.
class scope {
public:
    /// A scope whose `spawn_bounded` lets `most_children` run at a time.
    explicit scope(std::size_t most_children = std::numeric_limits<std::size_t>::max()) noexcept
        : most_(most_children) {
        require(most_children > 0, "a scope needs room for at least one child");
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() {
        if (!empty()) destroy_children();
        require(joiner_ == nullptr && waiting_for_room_.empty() && waiting_to_spawn_.empty(),
                "a scope was destroyed while a coroutine that is not its child waits on it");
    }

    /// Starts `work`, which runs until it first suspends before this returns. A child spawned after a stop runs with the
    /// stop already requested. After a stop, a child that ends with `operation_canceled` (thrown by a result's `value()`)
    /// has ended as asked: that is no error of the scope's.
    void spawn(task<> work);

    /// The same for work whose errors are values: one that is not the answer to a stop is thrown at `join` as a
    /// `std::system_error`, like any exception of a child.
    void spawn(task<result<void>> work);

    class bounded_spawn;

    /// `result<void>`: waits until fewer than the scope's bound of children run, first come first served, then spawns.
    /// `operation_canceled` when the awaiting task is asked to stop first: `work` has not begun then, and is destroyed.
    [[nodiscard]] bounded_spawn spawn_bounded(task<> work) noexcept;
    [[nodiscard]] bounded_spawn spawn_bounded(task<result<void>> work);

    /// Asks every child to stop: their present and later waits end with `operation_canceled`.
    void stop() noexcept;

    /// Children that have not finished.
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    class joined;
    class below;

    /// Waits until fewer than `bound` children run; true. False when the awaiting task is asked to stop first. Whoever
    /// else spawns may take the room before the awaiter runs, which then looks at `size()` again.
    [[nodiscard]] below fewer_than(std::size_t bound) noexcept;

    /// Waits until every child has finished. A stop of the awaiting task stops the children, and is waited for too.
    [[nodiscard]] joined join() noexcept;

private:
    friend void detail::root_finished(await_chain& chain) noexcept;

    class child;
    static task<> throw_error(task<result<void>> work, const scope& owner);
    void finished(std::exception_ptr error) noexcept;
    bool has_room() const noexcept { return size_ + admitted_ < most_; }
    void admit() noexcept;
    void stop_children() noexcept;
    void destroy_children() noexcept;
    bool on_own_thread() const noexcept { return empty() || thread_ == scheduler::this_thread(); }

    list<child> children_;
    std::size_t size_ = 0;
    std::size_t most_;
    std::size_t admitted_ = 0; // woken in `spawn_bounded`, their work not spawned yet
    joined* joiner_ = nullptr;
    list<suspension> waiting_for_room_;
    list<suspension> waiting_to_spawn_;
    std::exception_ptr error_;
    const void* thread_ = nullptr; // of the children, while there are any
    bool stopped_ = false;
};

class scope::joined final : public suspension {
public:
    explicit joined(scope& owner) noexcept : owner_(owner) {}
    ~joined() {
        if (owner_.joiner_ == this) owner_.joiner_ = nullptr;
    }

    bool await_ready() const noexcept {
        require(owner_.joiner_ == nullptr, "a scope was joined twice at the same time");
        return owner_.empty();
    }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        await_chain* chain = chain_of(handle.promise());
        if (chain != nullptr && chain->stop_requested()) {
            owner_.stop();
            if (owner_.empty()) return false;
        }
        chain_ = chain;
        begin_wait_in(handle, chain);
        owner_.joiner_ = this;
        return true;
    }

    void await_resume() {
        owner_.joiner_ = nullptr;
        if (auto error = std::exchange(owner_.error_, nullptr)) std::rethrow_exception(error);
    }

    void stop() noexcept override { owner_.stop(); }

private:
    friend class scope;

    // Another child came between the end of the last one and our turn.
    void wait_again() noexcept { suspension::wait_again(chain_); }

    scope& owner_;
    await_chain* chain_ = nullptr;
};

class scope::bounded_spawn final : public suspension {
public:
    bounded_spawn(scope& owner, task<> work) noexcept : owner_(owner), work_(std::move(work)) {}
    ~bounded_spawn() {
        if (!admitted_) return;
        --owner_.admitted_;
        owner_.admit();
    }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (is_stopped(handle)) return false;
        if (owner_.waiting_to_spawn_.empty() && owner_.has_room()) {
            ++owner_.admitted_;
            admitted_ = true;
            return false;
        }
        begin_wait(handle);
        owner_.waiting_to_spawn_.push_back(*this);
        return true;
    }

    result<void> await_resume() {
        if (!std::exchange(admitted_, false)) return failure(std::errc::operation_canceled);
        --owner_.admitted_;
        try {
            owner_.spawn(std::move(work_));
        } catch (...) { // no memory for it: the room goes to the next in line
            owner_.admit();
            throw;
        }
        return {};
    }

    void stop() noexcept override {
        if (!admitted_) resume_soon();
    }

private:
    friend class scope;
    scope& owner_;
    task<> work_;
    bool admitted_ = false;
};

class scope::below final : public suspension {
public:
    below(scope& owner, std::size_t bound) noexcept : owner_(owner), bound_(bound) {}

    bool await_ready() const noexcept { return owner_.size_ < bound_; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        stopped_ = !begin_wait(handle);
        if (!stopped_) owner_.waiting_for_room_.push_back(*this);
        return !stopped_;
    }

    bool await_resume() const noexcept { return !stopped_; }

    void stop() noexcept override {
        stopped_ = true;
        resume_soon();
    }

private:
    friend class scope;
    scope& owner_;
    std::size_t bound_;
    bool stopped_ = false;
};

inline scope::below scope::fewer_than(std::size_t bound) noexcept {
    require(bound > 0, "there are never fewer children than none, and the wait for that would not end");
    return below(*this, bound);
}

inline scope::bounded_spawn scope::spawn_bounded(task<> work) noexcept { return bounded_spawn(*this, std::move(work)); }

inline scope::bounded_spawn scope::spawn_bounded(task<result<void>> work) {
    require(static_cast<bool>(work), "an empty task was spawned (was it moved from?)");
    return bounded_spawn(*this, throw_error(std::move(work), *this));
}

inline scope::joined scope::join() noexcept { return joined(*this); }

} // namespace tuyau
