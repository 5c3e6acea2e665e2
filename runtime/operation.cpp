#include <tuyau/runtime/operation.hpp>

namespace tuyau {

void operation_base::cancel() noexcept {
    state_ = state::stopping;
    if (!notice_due_) loop::current().requests().cancel(*this); // else there is nothing to cancel any more
}

void operation_base::abandon() noexcept {
    require_own_loop();
    destroyed_ = true;
    if (state_ == state::in_flight) cancel();
    loop::current().wait_until([this] { return state_ == state::idle; });
}

void operation_base::stop() noexcept {
    if (state_ != state::in_flight) return;
    require_own_loop();
    cancel();
}

/// For a completion that has or had another one beside it: whether this one is the last, and then what the first said.
bool operation_base::is_over(int& outcome, unsigned flags) noexcept {
    if ((flags & IORING_CQE_F_MORE) != 0) {
        require(!notice_due_, "a multishot request was given to an operation, which has one result");
        notice_due_ = true;
        outcome_ = outcome;
        completion_target::unlink(); // from those that are being cancelled: the kernel would not find it
        return false;
    }
    notice_due_ = false;
    outcome = outcome_;
    return true;
}

void operation_base::complete(int outcome, unsigned flags) noexcept {
    constexpr unsigned several = IORING_CQE_F_MORE | IORING_CQE_F_NOTIF;
    if ((flags & several) != 0 && !is_over(outcome, flags)) [[unlikely]]
        return;
    if (destroyed_) return finished(outcome); // the derived part is going or gone, and makes nothing again
    const bool again = unfinished(outcome);
    if (again && state_ == state::in_flight && !loop::current().closing()) return submit();
    finished(again ? -ECANCELED : outcome);
    resume_soon();
}

} // namespace tuyau
