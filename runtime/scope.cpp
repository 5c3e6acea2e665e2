#include <tuyau/runtime/scope.hpp>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/trampoline.hpp>

namespace tuyau {

/// The bottom of one child's chain: it tells the scope when the child has finished, and frees itself.
struct scope::child_promise : list_node, frame_pool::pooled {
    child_promise(scope& owner, task<>&) noexcept : owner_(owner) {}

    child get_return_object() noexcept;
    std::suspend_always initial_suspend() const noexcept { return {}; }

    struct last {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<child_promise> handle) const noexcept {
            scope& owner = handle.promise().owner_;
            std::exception_ptr error = std::move(handle.promise().error_);
            handle.destroy();
            owner.finished(std::move(error));
        }
        void await_resume() const noexcept {}
    };
    last final_suspend() const noexcept { return {}; }

    void return_void() const noexcept {}
    void unhandled_exception() noexcept {
        try {
            throw;
        } catch (const std::system_error& error) {
            if (owner_.stopped_ && is_cancelled(error.code())) return;
        } catch (...) {}
        error_ = std::current_exception();
    }
    await_chain* chain() noexcept { return &chain_; }

    scope& owner_;
    await_chain chain_;
    std::exception_ptr error_;
};

class scope::child {
public:
    using promise_type = child_promise;
    std::coroutine_handle<child_promise> handle;
};

scope::child scope::child_promise::get_return_object() noexcept {
    return {std::coroutine_handle<child_promise>::from_promise(*this)};
}

// A variable, not the parameter: it has to go before the chain, which is in the promise.
scope::child scope::run_child(scope&, task<> given) {
    task<> work = std::move(given);
    co_await std::move(work);
}

void scope::spawn(task<> work) {
    require(static_cast<bool>(work), "an empty task was spawned (was it moved from?)");
    require(on_own_thread(), "a scope was used on another thread than its children's");
    thread_ = scheduler::this_thread();
    auto handle = run_child(*this, std::move(work)).handle;
    children_.push_back(handle.promise());
    ++size_;
    if (stopped_) handle.promise().chain_.request_stop();
    if (joiner_ != nullptr) joiner_->wait_again();
    trampoline::run(handle);
}

task<> scope::throw_error(task<result<void>> work, const scope& owner) {
    auto outcome = co_await std::move(work);
    if (outcome || (owner.stopped_ && is_cancelled(outcome.error()))) co_return;
    throw std::system_error(outcome.error());
}

void scope::spawn(task<result<void>> work) {
    require(static_cast<bool>(work), "an empty task was spawned (was it moved from?)");
    spawn(throw_error(std::move(work), *this));
}

void scope::admit() noexcept {
    while (has_room()) {
        auto* next = static_cast<bounded_spawn*>(waiting_to_spawn_.pop_front());
        if (next == nullptr) return;
        ++admitted_;
        next->admitted_ = true;
        next->resume_soon();
    }
}

void scope::stop() noexcept {
    require(on_own_thread(), "a scope was stopped on another thread than its children's (see with_stop)");
    stop_children();
}

void scope::stop_children() noexcept {
    stopped_ = true;
    children_.for_each([](child_promise& each) { each.chain_.request_stop(); });
}

void scope::finished(std::exception_ptr error) noexcept {
    --size_;
    if (error && !error_) {
        error_ = std::move(error);
        stop_children();
    }
    if (!waiting_for_room_.empty()) {
        waiting_for_room_.for_each([this](suspension& each) {
            auto& waiting = static_cast<below&>(each);
            if (size_ < waiting.bound_) waiting.resume_soon();
        });
    }
    if (!waiting_to_spawn_.empty()) admit();
    if (size_ == 0 && joiner_ != nullptr) joiner_->resume_soon();
}

void scope::destroy_children() noexcept {
    require(on_own_thread(), "a scope was destroyed on another thread than its children's");
    stop_children();
    while (!children_.empty()) {
        auto handle = std::coroutine_handle<child_promise>::from_promise(children_.front());
        handle.destroy();
        --size_;
    }
}

} // namespace tuyau
