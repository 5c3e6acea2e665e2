#include <tuyau/runtime/handover.hpp>

namespace tuyau::detail {

void visit::promise_type::unhandled_exception() noexcept { owner_.error_ = std::current_exception(); }

void visit::promise_type::last::await_suspend(std::coroutine_handle<promise_type> handle) const noexcept {
    handle.promise().owner_.end_there();
}

void handover::destroy_work() noexcept {
    if (unanswered_ == 0) return;
    require_own_loop();
    end_wait(); // no stop from here on
    destroying_ = true;
    send(destroy_);
    loop::current().wait_for_messages([this] { return unanswered_ == 0; });
}

void handover::set_off(bool stopped) {
    if (stopped) visit_.handle_.promise().chain_.request_stop(); // nobody else has it yet
    stop_sent_ = stopped;
    send(start_);
}

void handover::send(message& letter) {
    require(there_->post(letter), "a task was handed to a loop that has ended");
    ++unanswered_;
}

void handover::stop() noexcept {
    if (!std::exchange(stop_sent_, true)) send(stop_);
}

void handover::answered() noexcept {
    if (--unanswered_ == 0 && !destroying_) resume_soon();
}

void handover::arrive() noexcept {
    loop::current().visitor_came();
    first_run_.begin_visit(visit_.handle_, *this);
    first_run_.resume_soon();
}

void handover::turned_away() noexcept { broken_contract("a loop ended before it began a task that was handed to it"); }

void handover::end_there() noexcept {
    over_there_ = true;
    loop::current().visitor_left();
    answer(ended_);
}

void handover::stop_there() noexcept {
    if (!over_there_) visit_.handle_.promise().chain_.request_stop();
    answer(stop_seen_);
}

void handover::destroy_there() noexcept {
    loop& here = loop::current();
    // A coroutine of ours is on the stack, and waits in a destructor for another loop: not before it is suspended.
    if (here.visitor() == this) return here.defer(destroy_);
    if (!over_there_) {
        first_run_.unlink();
        visit_.destroy();
        end_there();
    }
    answer(destroy_seen_);
}

void handover::answer(message& letter) noexcept {
    // Once home has it this object may be gone, and with it the handle that keeps the inbox.
    const loop_handle home = home_;
    home->post(letter);
}

} // namespace tuyau::detail
