#pragma once

#include <cerrno>
#include <coroutine>
#include <optional>
#include <stop_token>
#include <utility>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/inbox.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/nested_chain.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

namespace detail {

/// Stops a chain when a token is stopped, on whichever thread that happens.
class token_stop final : private message {
public:
    explicit token_stop(std::stop_token token) {
        if (!token.stop_possible()) return;
        home_ = loop::current().handle();
        loop_ = &loop::current();
        callback_.emplace(std::move(token), on_stop{*this});
    }
    token_stop(const token_stop&) = delete;
    token_stop& operator=(const token_stop&) = delete;
    ~token_stop() { release(); }

    await_chain& chain() noexcept { return chain_; }

    int reason() noexcept {
        release();
        return stopped_ ? ECANCELED : 0;
    }

private:
    struct on_stop {
        void operator()() const noexcept {
            if (loop::current_or_null() == owner.loop_)
                owner.deliver();
            else
                owner.home_->post(owner);
        }
        token_stop& owner;
    };

    void deliver() noexcept override {
        stopped_ = true;
        chain_.request_stop();
    }

    void release() noexcept {
        callback_.reset(); // waits for a callback that runs on another thread
        if (home_) home_->withdraw(*this);
    }

    await_chain chain_;
    loop_handle home_;
    loop* loop_ = nullptr;
    bool stopped_ = false;
    std::optional<std::stop_callback<on_stop>> callback_;
};

} // namespace detail

/// Runs `work` until it finishes or `token` is stopped, by any thread; then `work` is asked to stop and waited for.
///
/// The outcome is `work`'s own; stopped by the token, one whose type holds no error becomes `operation_canceled`. Stops
/// from outside reach `work` too. Nests, also with deadlines.
template <class T>
task<result_of<T>> with_stop(std::stop_token token, task<T> work) {
    return detail::run_under<detail::token_stop>(std::move(work), std::move(token));
}

/// Runs `work` to its end without telling it of stops from outside: for clean-up that itself has to wait. Bound it by a
/// deadline: `co_await shield(with_deadline(1s, say_goodbye(stream)))`
template <class T>
task<T> shield(task<T> work) {
    await_chain apart;
    task<T> inner = std::move(work); // goes before its chain
    co_return co_await detail::in_nested_chain<T>(inner, apart, detail::outer_stops::hold_off);
}

/// Gives the stop token of the coroutine's own chain, to hand to code that is not ours; one that is never stopped outside
/// of a chain. Its callbacks run on the loop's thread.
class this_stop_token {
public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (await_chain* chain = chain_of(handle.promise())) token_ = chain->token();
        return false;
    }
    std::stop_token await_resume() noexcept { return std::move(token_); }

private:
    std::stop_token token_;
};

} // namespace tuyau
