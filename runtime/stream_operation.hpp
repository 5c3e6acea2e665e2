#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include <tuyau/runtime/completion.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/suspension.hpp>

namespace tuyau {

/// One request as a sequence, multishot where the kernel has it: the part that does not depend on what it brings.
///
/// The derived class keeps what has come until its one reader takes it. The request is armed when somebody first waits,
/// and again whenever the kernel has ended it for a reason that concerns nobody (it was a single shot; a full completion
/// queue; no buffer or descriptor left). It lives in the pool, apart from any coroutine's frame, and is let go with `abandon`: the object
/// outlives its owner until the kernel has sent the request's last completion and nobody holds it any more. Whoever waits
/// on it then is woken empty-handed.
class stream_operation : public completion_target, public frame_pool::pooled {
public:
    stream_operation(const stream_operation&) = delete;
    stream_operation& operator=(const stream_operation&) = delete;

    /// Gives the object up: it cancels its request and deletes itself once nothing is in flight.
    void abandon() noexcept;
    bool abandoned() const noexcept { return abandoned_; }

    /// Keeps a stream, and with it its descriptor, for another request that uses it: null holds nothing.
    class held;

    bool armed() const noexcept { return state_ != state::idle; }

    /// Awaits until there is something to take. One reader at a time.
    class readable;

protected:
    stream_operation() noexcept = default;
    virtual ~stream_operation() = default;

    /// The owner has let go; what was kept is of no use to anyone any more.
    virtual void drop() noexcept = 0;

    /// Fills in the request.
    virtual void prepare(io_uring_sqe& sqe) noexcept = 0;

    /// Keeps what one completion brought, also when it is the request's last.
    virtual void keep(int outcome, unsigned flags) noexcept = 0;

    /// Whether the reader has something to take: data, the end, or an error.
    virtual bool has_something() const noexcept = 0;

    /// The request has ended; called after `keep`. Whoever waits is woken, or the request armed again, by this class.
    virtual void ended() noexcept {}

    /// Has `look` called after half a second to a second in which this was not called again, if the request is still in
    /// flight then. From `keep`.
    void look_later() noexcept {
        lookout& there = home_->quiet_streams();
        if (state_ == state::armed && !(linked() && lookout_list_ == there.present())) there.add(*this);
    }

    /// See `look_later`.
    virtual void look() noexcept {}

    /// Puts the request in flight, unless it is.
    void arm() noexcept;

    /// Asks the kernel to end the request (to hold a fast sender back, or to let go); what comes meanwhile is kept.
    void cancel() noexcept;

    /// True when the request should be in flight: somebody waits and there is nothing to take.
    bool wanted() const noexcept;

    /// Wakes the reader, if there is something to take.
    void wake() noexcept;

    bool is_held() const noexcept { return holds_ != 0; }

    /// The loop whose ring and buffers it uses, which must be the calling thread's.
    loop& home() const noexcept {
        loop& here = loop::current();
        require(home_ == &here, "a stream or listener was used on another thread than that of the loop it waits on");
        return here;
    }

private:
    friend class lookout;

    enum class state : unsigned char { idle, armed, stopping };

    void complete(int outcome, unsigned flags) noexcept final;
    void delete_if_unused() noexcept;

    readable* reader_ = nullptr;
    loop* home_ = nullptr; // since it was last armed
    unsigned holds_ = 0;
    state state_ = state::idle;
    bool abandoned_ : 1 = false;
    bool lookout_list_ : 1 = false; // which of the lookout's two it is in
    std::uint16_t last_active_ = 0; // see traffic
};

class stream_operation::held {
public:
    explicit held(stream_operation* stream) noexcept : stream_(stream) {
        if (stream_ != nullptr) ++stream_->holds_;
    }
    held(const held&) = delete;
    held& operator=(const held&) = delete;
    ~held() {
        if (stream_ == nullptr) return;
        --stream_->holds_;
        stream_->delete_if_unused();
    }

private:
    stream_operation* stream_;
};

class stream_operation::readable final : public suspension {
public:
    /// Without a stream there is no wait: whoever then asks for something learns why.
    explicit readable(stream_operation* stream) noexcept : stream_(stream), closed_(stream == nullptr) {}
    ~readable() { leave(); }

    bool await_ready() const noexcept { return closed_; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (stream_->reader_ != nullptr && stream_->reader_->leaving_)
            std::exchange(stream_->reader_, nullptr)->stream_ = nullptr; // who comes after it is served
        require(stream_->reader_ == nullptr, "two coroutines wait on one stream at the same time");
        // A stop comes before what is there already: else a peer that never pauses would keep a stopped task going.
        stopped_ = is_stopped(handle);
        if (stopped_ || stream_->has_something()) return false;
        begin_wait(handle);
        stream_->reader_ = this;
        stream_->arm();
        return true;
    }

    /// True when there is something to take; false when the awaiting task was asked to stop, or the stream given up.
    bool await_resume() noexcept {
        const bool something = !stopped_ && stream_ != nullptr && stream_->has_something();
        leave();
        stream_ = nullptr;
        return something || closed_;
    }

    /// It stays the reader until it goes on, so that it is told when the stream is given up before that.
    void stop() noexcept override {
        leaving_ = true;
        resume_soon();
    }

private:
    friend class stream_operation;

    void leave() noexcept {
        if (stream_ != nullptr && stream_->reader_ == this) stream_->reader_ = nullptr;
    }

    stream_operation* stream_;
    bool closed_;
    bool stopped_ = false; // before the wait began
    bool leaving_ = false; // stopped since, and about to go on
};

inline bool stream_operation::wanted() const noexcept {
    return reader_ != nullptr && !reader_->leaving_ && !has_something();
}

} // namespace tuyau
