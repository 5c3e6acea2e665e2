#include <tuyau/runtime/loop.hpp>

#include <algorithm>

#include <tuyau/runtime/trampoline.hpp>

namespace tuyau {
namespace {

// A program that always has something ready still looks at the kernel this often, in rounds, when it has nothing to
// submit: the price of a call is spread over as many rounds.
constexpr unsigned rounds_between_polls = 32;

} // namespace

constinit thread_local loop* loop::current_ = nullptr;

loop::loop(loop_options options)
    : previous_(current_), ring_(options.ring), buffers_(new buffers(ring_, options.buffers)), now_(system::now()),
      timers_(now_) {
    current_ = this;
}

loop::~loop() {
    closing_ = true;
    timers_.clear();
    ready_.clear();
    if (ring_.in_flight() != 0) {
        ring_.cancel_all();
        wait_until([this] { return ring_.in_flight() == 0; });
    }
    ready_.clear();
    current_ = previous_;
}

void loop::run_until(std::coroutine_handle<> root, const bool& finished) {
    require(!running_, "loop::run was called from inside the loop; await the task instead");
    running_ = true;
    now_ = system::now(); // much may have happened since the loop was made
    trampoline::run(root);
    while (!finished) round();
    running_ = false;
}

void loop::round() {
    buffers_->publish();
    if (ready_.empty()) {
        std::optional<std::chrono::nanoseconds> limit;
        if (auto next = timers_.next()) limit = std::max(*next - system::now(), clock::duration::zero());
        ring_.wait(limit);
        rounds_without_sleep_ = 0;
    } else if (ring_.prepared() != 0 || ++rounds_without_sleep_ == rounds_between_polls) {
        ring_.poll();
        rounds_without_sleep_ = 0;
    } else {
        ring_.dispatch();
    }
    now_ = system::now();
    timers_.advance(now_);
    // Only those that are ready now: whoever becomes ready meanwhile comes after the next look at the kernel.
    list<suspension> batch;
    batch.take(ready_);
    while (suspension* next = batch.pop_front()) trampoline::run(next->handle());
}

} // namespace tuyau
