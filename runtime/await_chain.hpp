#pragma once

#include <concepts>
#include <stop_token>

namespace tuyau {

/// What a suspended chain waits for; told when the chain is asked to stop.
class stoppable {
public:
    /// Called once at most per wait, on the loop's thread. Must not resume anything itself: it arranges for the wait
    /// to end with `operation_canceled` as soon as nothing of it is in flight any more.
    virtual void stop() noexcept = 0;

protected:
    ~stoppable() = default;
};

/// One line of coroutines that await each other, from the child of a scope (or the argument of `with_deadline`) down to
/// the awaitable that it is suspended on. Stop requests enter at the top and reach the one awaitable at the bottom, so
/// that no coroutine has to hand a token on. Belongs to one loop's thread.
class await_chain {
public:
    await_chain() noexcept = default;
    await_chain(const await_chain&) = delete;
    await_chain& operator=(const await_chain&) = delete;

    bool stop_requested() const noexcept { return stop_requested_; }

    /// Asks whatever runs in this chain to stop: the present wait, and each later one, ends with `operation_canceled`.
    void request_stop() noexcept {
        if (stop_requested_) return;
        stop_requested_ = true;
        if (waiting_ != nullptr) waiting_->stop();
        if (source_.stop_possible()) source_.request_stop();
    }

    /// A token that is stopped when this chain is: for code that knows nothing of chains. Its callbacks run on the loop's
    /// thread. The first call allocates the state that the tokens share.
    std::stop_token token() {
        if (!source_.stop_possible()) {
            source_ = std::stop_source();
            if (stop_requested_) source_.request_stop();
        }
        return source_.get_token();
    }

    /// Ends the present wait with `operation_canceled`, and no later one.
    void interrupt() noexcept {
        if (waiting_ != nullptr) waiting_->stop();
    }

    /// For awaitables: says who is to be told of a stop, until `waits_no_more`.
    void waits_for(stoppable& target) noexcept { waiting_ = &target; }
    void waits_no_more(stoppable& target) noexcept {
        if (waiting_ == &target) waiting_ = nullptr;
    }

private:
    stoppable* waiting_ = nullptr;
    std::stop_source source_{std::nostopstate};
    bool stop_requested_ = false;
};

/// A promise whose coroutine runs in an await chain. Coroutines of other kinds may await our awaitables too; no stop
/// reaches those.
template <class Promise>
concept chained_promise = requires(Promise& promise) {
    { promise.chain() } -> std::convertible_to<await_chain*>;
};

template <class Promise>
await_chain* chain_of(Promise& promise) noexcept {
    if constexpr (chained_promise<Promise>)
        return promise.chain();
    else
        return nullptr;
}

} // namespace tuyau
