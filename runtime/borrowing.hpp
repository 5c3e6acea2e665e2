#pragma once

#include <coroutine>

namespace tuyau {

/// Base of an awaitable that borrows what it was made from, such as bytes or a stream.
///
/// It is awaited in the expression that makes it, where all of that is still alive: `co_await stream.send(text())`. Kept
/// in a variable it might outlive what it borrows, so awaiting the variable does not compile; `co_await std::move(kept)`
/// does, for who knows that it does not. The awaitable stays where it is, and costs a pointer in the awaiting frame.
template <class Awaitable>
class borrowing {
    // By value: g++ 12 copies an awaiter that `operator co_await` gives by reference.
    class awaiter {
    public:
        explicit awaiter(Awaitable& awaited) noexcept : awaited_(awaited) {}

        bool await_ready() const noexcept { return awaited_.await_ready(); }
        template <class Promise>
        bool await_suspend(std::coroutine_handle<Promise> handle) {
            return awaited_.await_suspend(handle);
        }
        decltype(auto) await_resume() { return awaited_.await_resume(); }

    private:
        Awaitable& awaited_;
    };

public:
    awaiter operator co_await() && noexcept { return awaiter(static_cast<Awaitable&>(*this)); }
    void operator co_await() & = delete;
};

} // namespace tuyau
