#pragma once

#include <concepts>
#include <span>
#include <string_view>
#include <utility>

#include <sys/uio.h>

#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

namespace detail {

template <class T>
decltype(auto) awaiter_of(T&& awaitable) {
    if constexpr (requires { std::forward<T>(awaitable).operator co_await(); })
        return std::forward<T>(awaitable).operator co_await();
    else
        return std::forward<T>(awaitable);
}

template <class T>
using awaited = decltype(awaiter_of(std::declval<T>()).await_resume());

template <class Stream>
using received_by = typename awaited<decltype(std::declval<Stream&>().receive())>::value_type;

template <class Stream>
concept ends_sending_at_once = requires(Stream& stream) {
    { stream.shutdown_send() } -> std::same_as<result<void>>;
};

template <class Stream>
concept ends_sending_awaited = requires(Stream& stream) {
    { awaiter_of(stream.shutdown_send()).await_resume() } -> std::same_as<result<void>>;
};

} // namespace detail

/// A connection of any kind, as `tcp_stream` is one: that is where its functions are described. What it receives is leased:
/// an object with `text()`, empty at the end of the stream, whose bytes live until it is destroyed. What it sends it takes
/// off the front of the pieces, so that these tell what is left when a send fails or is stopped. Ending its sending may
/// have to be awaited: see `shutdown_send`, below.
template <class Stream>
concept byte_stream = std::movable<Stream> && requires(Stream& stream, std::span<iovec> pieces) {
    { detail::awaiter_of(stream.readable()).await_resume() } -> std::convertible_to<bool>;
    { std::declval<const detail::received_by<Stream>&>().text() } -> std::convertible_to<std::string_view>;
    { detail::awaiter_of(stream.send(pieces)).await_resume() } -> std::same_as<result<void>>;
} &&(detail::ends_sending_at_once<Stream> || detail::ends_sending_awaited<Stream>);

/// Ends the sending of a stream of any kind, those that have to send something for that included.
template <byte_stream Stream>
task<result<void>> shutdown_send(Stream& stream) {
    if constexpr (detail::ends_sending_at_once<Stream>) {
        co_return stream.shutdown_send();
    } else {
        auto ended = co_await stream.shutdown_send();
        co_return ended;
    }
}

/// Whether nothing has come on a stream that nobody receives from, neither bytes nor its end. Of one that cannot tell, true.
template <byte_stream Stream>
task<bool> is_quiet(Stream& stream) {
    if constexpr (requires {
                      { stream.is_quiet() } -> std::same_as<bool>;
                  }) {
        co_return stream.is_quiet();
    } else if constexpr (requires { stream.is_quiet(); }) {
        bool quiet = co_await stream.is_quiet();
        co_return quiet;
    } else {
        co_return true;
    }
}

} // namespace tuyau
