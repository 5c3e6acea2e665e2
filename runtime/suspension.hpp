#pragma once

#include <coroutine>

#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/list.hpp>

namespace tuyau {

class loop;

/// One suspended coroutine: the base of every awaitable that waits for something.
///
/// It is told when its chain is asked to stop, and is resumed by its loop: `resume_soon` puts it among the ready ones.
/// When the coroutine is destroyed in place of being resumed, it leaves every list by itself.
class suspension : public list_node, public stoppable {
public:
    suspension() noexcept = default;
    ~suspension() { end_wait(); }

    std::coroutine_handle<> handle() const noexcept { return handle_; }

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
        handle_ = handle;
        chain_ = chain;
        if (chain_ != nullptr) chain_->waits_for(*this);
    }

    void end_wait() noexcept {
        if (chain_ != nullptr) chain_->waits_no_more(*this);
        chain_ = nullptr;
    }

    /// Ends the wait, leaving any list: the coroutine is resumed in the loop's next round.
    void resume_soon() noexcept;

private:
    std::coroutine_handle<> handle_;
    await_chain* chain_ = nullptr;
};

} // namespace tuyau
