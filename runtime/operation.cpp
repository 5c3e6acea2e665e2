#include <tuyau/runtime/operation.hpp>

namespace tuyau {

void operation_base::abandon() noexcept {
    require_own_loop();
    destroyed_ = true;
    loop& here = loop::current();
    if (state_ == state::in_flight) {
        state_ = state::stopping;
        here.requests().cancel(*this);
    }
    here.wait_until([this] { return state_ == state::idle; });
}

void operation_base::stop() noexcept {
    if (state_ != state::in_flight) return;
    require_own_loop();
    state_ = state::stopping;
    loop::current().requests().cancel(*this);
}

void operation_base::complete(int outcome, unsigned) noexcept {
    if (destroyed_) {
        state_ = state::idle; // the derived part is gone, and nobody will ask how it went
        return;
    }
    const bool again = unfinished(outcome);
    if (again && state_ == state::in_flight && !loop::current().closing()) return submit();
    finished(again ? -ECANCELED : outcome);
    resume_soon();
}

} // namespace tuyau
