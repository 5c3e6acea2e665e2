// An echo server on Asio, as one is written with its coroutines. Built twice, on epoll and on io_uring.
//
//     asio_echo_epoll      prints the port that it listens on

#include <memory>
#include <utility>

#include <asio.hpp>

#include "asio_types.hpp"
#include "socket.hpp"

namespace {

using namespace peer;

constexpr std::size_t buffer_size = 64 * 1024;

task converse(stream client) {
    const auto bytes = std::make_unique_for_overwrite<char[]>(buffer_size);
    for (;;) {
        auto [failed, size] = co_await client.async_read_some(asio::buffer(bytes.get(), buffer_size), use_task);
        if (failed) co_return;
        auto [broken, sent] = co_await asio::async_write(client, asio::buffer(bytes.get(), size), use_task);
        if (broken || sent != size) co_return;
    }
}

task serve(listener& where) {
    for (;;) {
        auto [failed, client] = co_await where.async_accept(use_task);
        if (!failed) asio::co_spawn(where.get_executor(), converse(std::move(client)), asio::detached);
    }
}

} // namespace

int main() {
    asio::io_context context(1);
    listener where(context.get_executor(), asio::ip::tcp::v4(), listen_on_loopback());
    asio::co_spawn(context.get_executor(), serve(where), asio::detached);
    context.run();
}
