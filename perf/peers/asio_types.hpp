#pragma once

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

/// Asio at its fastest: one thread, and executors whose type is known, so that nothing is erased.
namespace peer {

using executor = asio::io_context::executor_type;
using task = asio::awaitable<void, executor>;
using stream = asio::basic_stream_socket<asio::ip::tcp, executor>;
using listener = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

inline constexpr auto use_task = asio::experimental::as_tuple(asio::use_awaitable_t<executor>());

} // namespace peer
