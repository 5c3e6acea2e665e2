#include <tuyau/runtime/stream_operation.hpp>

#include <utility>

namespace tuyau {

void stream_operation::arm() noexcept {
    if (state_ != state::idle) return (void)home();
    loop& here = loop::current();
    if (here.closing()) return;
    home_ = &here;
    prepare(here.requests().prepare(*this));
    state_ = state::armed;
}

void stream_operation::cancel() noexcept {
    if (state_ != state::armed) return;
    state_ = state::stopping;
    home().requests().cancel(*this);
}

void stream_operation::abandon() noexcept {
    if (readable* reader = std::exchange(reader_, nullptr)) {
        reader->stream_ = nullptr;
        reader->resume_soon();
    }
    abandoned_ = true;
    drop();
    if (state_ == state::idle)
        delete_if_unused();
    else
        cancel(); // which may already bring the last completion, and with it this object's end
}

void stream_operation::delete_if_unused() noexcept {
    if (abandoned_ && state_ == state::idle && holds_ == 0) delete this;
}

void stream_operation::wake() noexcept {
    if (reader_ != nullptr && has_something()) reader_->resume_soon();
}

void stream_operation::complete(int outcome, unsigned flags) noexcept {
    const bool last = (flags & IORING_CQE_F_MORE) == 0;
    if (last) state_ = state::idle;
    home_->traffic().arrived(last_active_);
    keep(outcome, flags);
    if (last) {
        if (abandoned_) return delete_if_unused();
        ended();
    }
    wake();
}

} // namespace tuyau
