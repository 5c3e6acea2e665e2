#pragma once

#include <coroutine>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/scheduler.hpp>

namespace tuyau {

/// One suspended coroutine: the base of every awaitable that waits for something.
///
/// It is told when its chain is asked to stop, and is resumed by its loop: `resume_soon` puts it among the ready ones.
/// When the coroutine is destroyed in place of being resumed, it leaves every list by itself.
class suspension : public list_node, public stoppable {
public:
    suspension() noexcept = default;
    ~suspension() { end_wait(); }

    std::coroutine_handle<> handle() const noexcept { return handle_; }

    /// The task from another loop that the coroutine is part of, if any.
    const detail::handover* visitor() const noexcept { return visitor_; }

protected:
    /// Whether the coroutine's chain has been asked to stop.
    template <class Promise>
    static bool is_stopped(std::coroutine_handle<Promise> handle) noexcept {
        const await_chain* chain = chain_of(handle.promise());
        return chain != nullptr && chain->stop_requested();
    }

    /// From await_suspend: false, without suspending, when the chain has been asked to stop already.
    template <class Promise>
    bool begin_wait(std::coroutine_handle<Promise> handle) noexcept {
        if (is_stopped(handle)) return false;
        begin_wait_in(handle, chain_of(handle.promise()));
        return true;
    }

    void begin_wait_in(std::coroutine_handle<> handle, await_chain* chain) noexcept {
        home_ = scheduler::current();
        begin_wait_as(handle, chain, home_ != nullptr ? home_->visitor : nullptr);
    }

    /// For the first run of a task from another loop.
    void begin_visit(std::coroutine_handle<> handle, const detail::handover& visitor) noexcept {
        home_ = scheduler::current();
        begin_wait_as(handle, nullptr, &visitor);
    }

    /// Once woken and not resumed yet: waits on.
    void wait_again(await_chain* chain) noexcept {
        unlink();
        chain_ = chain;
        if (chain_ != nullptr) chain_->waits_for(*this);
    }

    /// For what can only be done on the thread of the loop that the coroutine was suspended on.
    void require_own_loop() const noexcept {
        require(scheduler::current() == home_,
                "a coroutine was stopped or destroyed on another thread than that of the loop that it waits on");
    }

    void end_wait() noexcept {
        if (chain_ != nullptr) chain_->waits_no_more(*this);
        chain_ = nullptr;
    }

    /// Ends the wait, leaving any list: the coroutine is resumed in the loop's next round. Only on the thread of the loop
    /// that it was suspended on; one that outlives its loop stays suspended until it is destroyed.
    void resume_soon() noexcept {
        end_wait();
        scheduler* here = scheduler::current();
        if (here == nullptr) return;
        require(here == home_,
                "a coroutine was woken on another thread than its loop's (see tuyau::concurrent), or by a "
                "loop that came after its own");
        here->ready.push_back(*this);
    }

private:
    void begin_wait_as(std::coroutine_handle<> handle, await_chain* chain, const detail::handover* visitor) noexcept {
        handle_ = handle;
        visitor_ = visitor;
        chain_ = chain;
        if (chain_ != nullptr) chain_->waits_for(*this);
    }

    std::coroutine_handle<> handle_;
    await_chain* chain_ = nullptr;
    scheduler* home_ = nullptr;
    const detail::handover* visitor_ = nullptr;
};

} // namespace tuyau
