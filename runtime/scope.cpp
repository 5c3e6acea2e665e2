#include <tuyau/runtime/scope.hpp>

#include <tuyau/runtime/loop.hpp>

namespace tuyau {

/// One task of the scope's, and the chain that it runs in. Frees itself when the task has finished.
class scope::child final : public list_node, public frame_pool::pooled, public await_chain {
public:
    child(scope& owner, task<> work) noexcept : owner_(owner), work_(std::move(work)) {}

    void start() { work_.run_in(*this); }

    void finished() noexcept {
        scope& owner = owner_;
        std::exception_ptr error = outcome();
        delete this;
        owner.finished(std::move(error));
    }

private:
    std::exception_ptr outcome() noexcept {
        try {
            work_.take();
            return nullptr;
        } catch (const std::system_error& error) {
            if (owner_.stopped_ && is_cancelled(error.code())) return nullptr;
            return std::current_exception();
        } catch (...) {
            return std::current_exception();
        }
    }

    scope& owner_;
    task<> work_; // goes before its chain, which is a base
};

void detail::root_finished(await_chain& chain) noexcept { static_cast<scope::child&>(chain).finished(); }

void scope::spawn(task<> work) {
    require(static_cast<bool>(work), "an empty task was spawned (was it moved from?)");
    require(on_own_thread(), "a scope was used on another thread than its children's");
    thread_ = scheduler::this_thread();
    auto* next = new child(*this, std::move(work));
    children_.push_back(*next);
    ++size_;
    if (stopped_) next->request_stop();
    if (joiner_ != nullptr) joiner_->wait_again();
    next->start();
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
    children_.for_each([](child& each) { each.request_stop(); });
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
        delete &children_.front();
        --size_;
    }
}

} // namespace tuyau
