#include <tuyau/runtime/loop.hpp>

#include <algorithm>
#include <new>

#include <tuyau/runtime/trampoline.hpp>

namespace tuyau {
namespace {

// A program that always has something ready still looks at the kernel this often, in rounds, when it has nothing to
// submit: the price of a call is spread over as many rounds.
constexpr unsigned rounds_between_polls = 32;

// Between two looks of a loop that ends for requests that can be cancelled.
constexpr std::chrono::milliseconds longest_pause{64};

} // namespace

constinit thread_local loop* loop::current_ = nullptr;

loop::loop(loop_options options)
    : previous_(current_), ring_(options.ring), buffers_(new buffers(ring_, options.buffers)), timers_(system::now()),
      previous_scheduler_(scheduler::current()), inbox_(std::make_shared<inbox>(ring_)) {
    scheduler::exchange_current(&scheduler_);
    current_ = this;
}

loop::~loop() {
    require(current_ == this,
            "a loop was destroyed on another thread than the one that made it, or before a later one");
    require(visitors_ == 0, "a loop ended while a task that was handed to it was under way");
    closing_ = true;
    timers_.clear();
    scheduler_.ready.clear();
    inbox_->close();
    deferred_.clear();
    // Those that it does not find are found later, or end by themselves: it is not asked without a pause, nor wakes us.
    for (std::chrono::milliseconds pause(1); ring_.in_flight() != 0; pause = std::min(pause * 2, longest_pause)) {
        ring_.cancel_all();
        buffers_->publish();
        ring_.poll();
        if (ring_.in_flight() != 0) ring_.wait(pause);
    }
    wake_woken(); // the kernel may have put off a wake-up that was submitted, and forgets it with the ring
    scheduler_.ready.clear();
    scheduler::exchange_current(previous_scheduler_);
    current_ = previous_;
}

bool loop::wake_through_ring(inbox& target) noexcept {
    if (!in_round_ || !ring_.uses(feature::message_ring)) return false; // nothing may be submitted for long
    auto place = std::find_if(woken_.begin(), woken_.end(), [&](const woken& each) { return each.address == &target; });
    if (place == woken_.end()) {
        const auto gone = [](const woken& each) { return each.handle.expired(); };
        woken_.erase(std::remove_if(woken_.begin(), woken_.end(), gone), woken_.end());
        try {
            woken_.push_back({&target, target.weak_from_this(), 0});
        } catch (const std::bad_alloc&) {
            return false;
        }
        place = woken_.end() - 1;
    } else if (ring_.is_prepared(place->wake_up)) {
        return true; // it will look after that
    }
    ring_.wake_other(target.ring_descriptor(), wake_failure_);
    place->wake_up = ring_.last_prepared();
    return true;
}

void loop::wake_woken() noexcept {
    for (const woken& each : woken_)
        if (const loop_handle alive = each.handle.lock()) alive->raise();
}

// Whichever it was; the others look in vain, once.
void loop::wake_failure::complete(int, unsigned) noexcept { owner.wake_woken(); }

void loop::run_until(std::coroutine_handle<> root, const bool& finished) {
    require(current_ == this, "loop::run was called on another thread than the one that made the loop");
    require(!running_, "loop::run was called from inside the loop; await the task instead");
    running_ = in_round_ = true;
    now_.reset(); // much may have happened since the loop was made
    trampoline::run(root);
    while (!finished) round();
    if (ring_.prepared() != 0) ring_.poll(); // such as wake-ups of other loops
    if (ring_.prepared() != 0) wake_woken(); // which the kernel has put off, and who knows when we come back
    running_ = in_round_ = false;
}

void loop::sleep_or_poll() {
    rounds_without_sleep_ = 0;
    if (deferred_.empty() && inbox_->may_sleep()) {
        const auto present = system::now();
        std::optional<std::chrono::nanoseconds> limit;
        if (timers_.any())
            if (auto next = timers_.next()) limit = std::max(*next - present, clock::duration::zero());
        const unsigned count = traffic_.to_gather(present, ring_.prepared());
        if (count == 1)
            ring_.wait(limit);
        else
            ring_.gather(count, traffic::longest_gathering, limit);
    } else {
        ring_.poll();
    }
    inbox_->awake();
}

void loop::deliver_messages() {
    if (scheduler_.visitor == nullptr && !deferred_.empty()) [[unlikely]]
        while (message* letter = deferred_.pop_front()) letter->deliver();
    inbox_->deliver();
}

void loop::round() {
    buffers_->publish();
    traffic_.begin_round();
    if (scheduler_.ready.empty()) {
        sleep_or_poll();
    } else if (ring_.prepared() != 0 || ++rounds_without_sleep_ == rounds_between_polls) {
        ring_.poll();
        rounds_without_sleep_ = 0;
    } else {
        ring_.dispatch();
    }
    traffic_.end_of_reading();
    now_.reset();
    if (timers_.any()) timers_.advance(now());
    deliver_messages();
    // Only those that are ready now: whoever becomes ready meanwhile comes after the next look at the kernel.
    list<suspension> batch;
    batch.take(scheduler_.ready);
    while (suspension* next = batch.pop_front()) {
        scheduler_.visitor = next->visitor();
        trampoline::run(next->handle());
    }
    scheduler_.visitor = nullptr;
}

} // namespace tuyau
