#pragma once

#include <asio.hpp>

/// Asio at its fastest: one thread a context, and executors whose type is known, so that nothing is erased.
namespace peer {

using executor = asio::io_context::executor_type;

template <class T = void>
using awaitable = asio::awaitable<T, executor>;

inline constexpr asio::use_awaitable_t<executor> use_awaitable;

/// Runs `work` to its end on a context of its own, on this thread.
inline void run(asio::io_context& context, awaitable<> work) {
    asio::co_spawn(context.get_executor(), std::move(work), asio::detached);
    context.run();
}

inline void run(awaitable<> work) {
    asio::io_context context(1);
    run(context, std::move(work));
}

} // namespace peer
