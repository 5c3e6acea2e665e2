#pragma once

#include <concepts>
#include <span>
#include <string_view>
#include <utility>

#include <sys/uio.h>

#include <tuyau/runtime/result.hpp>

namespace tuyau::http {

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

} // namespace detail

/// A connection of any kind, as `tcp_stream` is one: that is where its functions are described. What it receives is leased:
/// an object with `text()`, empty at the end of the stream, whose bytes live until it is destroyed.
template <class Stream>
concept byte_stream = std::movable<Stream> && requires(Stream& stream, std::span<iovec> pieces) {
    { detail::awaiter_of(stream.readable()).await_resume() } -> std::convertible_to<bool>;
    { std::declval<const detail::received_by<Stream>&>().text() } -> std::convertible_to<std::string_view>;
    { detail::awaiter_of(stream.send(pieces)).await_resume() } -> std::same_as<result<void>>;
    { stream.shutdown_send() } -> std::same_as<result<void>>;
};

} // namespace tuyau::http
