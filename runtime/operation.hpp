#pragma once

#include <cerrno>
#include <concepts>
#include <coroutine>

#include <tuyau/runtime/borrowing.hpp>
#include <tuyau/runtime/completion.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/suspension.hpp>

namespace tuyau {

/// One request to the kernel, from its submission to its last completion: the part that does not depend on which.
///
/// Lives in the frame of the coroutine that awaits it. Destroyed in flight, it cancels the request and waits until the
/// kernel has let go of everything that the request names.
class operation_base : public suspension, public completion_target {
public:
    operation_base() noexcept = default;
    operation_base(const operation_base&) = delete;
    operation_base& operator=(const operation_base&) = delete;

    void stop() noexcept final;

protected:
    ~operation_base() { end(); }

    /// Cancels what is in flight, and waits until the kernel has let go of it. For a derived class whose outcome has to
    /// be cleared away: in its destructor.
    void end() noexcept {
        if (state_ != state::idle) [[unlikely]]
            abandon();
    }

    void submitted() noexcept { state_ = state::in_flight; }
    void finished(int outcome) noexcept {
        outcome_ = outcome;
        state_ = state::idle;
    }
    int outcome() const noexcept { return outcome_; }
    void complete(int outcome, unsigned flags) noexcept final;

    /// Makes the request.
    virtual void submit() = 0;

    /// Whether the request is to be made again to get on after `outcome`. Also told of the last outcome of a request that
    /// is being stopped, which is not made again.
    virtual bool unfinished(int outcome) noexcept { return outcome == -EINTR; }

private:
    void abandon() noexcept;

    void cancel() noexcept;
    bool is_over(int& outcome, unsigned flags) noexcept;

    enum class state : unsigned char { idle, in_flight, stopping };

    int outcome_ = -ECANCELED;
    state state_ = state::idle;
    bool destroyed_ = false;
    bool notice_due_ = false; // the result is there, and the kernel still reads the memory that the request names
};

/// Awaits one request that `Prepare` fills in: `result<int> sent = co_await operation([&](io_uring_sqe& sqe) { … });`
///
/// The value is the completion's result; a negative one becomes the error. The request is made when it is awaited, not
/// before. What it points to must live until then, which it does when it belongs to the awaiting coroutine. An
/// interrupted request is made again. One that completes twice, such as a zero-copy send, has ended when the kernel has
/// given notice that it needs the bytes no more; the value is its first result. A multishot request is no operation: its
/// second completion is a broken contract.
template <std::invocable<io_uring_sqe&> Prepare>
class [[nodiscard("an operation does nothing until it is awaited")]] operation final
    : public operation_base,
      public borrowing<operation<Prepare>> {
public:
    explicit operation(Prepare prepare) : prepare_(std::move(prepare)) {}

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle)) return false;
        submit();
        return true;
    }

    result<int> await_resume() const {
        if (outcome() < 0) return failure(-outcome());
        return outcome();
    }

private:
    void submit() override {
        prepare_(loop::current().requests().prepare(*this));
        submitted();
    }

    Prepare prepare_;
};

} // namespace tuyau
