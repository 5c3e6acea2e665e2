// A server on Asio, as one is written with its coroutines: a read, the answers to all that it asked in one write. Built
// twice, on epoll and on io_uring.
//
//     asio_http_epoll RESPONSE_FILE [--parse]      prints the port that it listens on

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <asio.hpp>

#include "answers.hpp"
#include "asio_types.hpp"
#include "options.hpp"
#include "requests.hpp"
#include "socket.hpp"

namespace {

using namespace peer;

task converse(stream client, const options& chosen, answers& answers) {
    request_counter requests;
    std::array<char, 4096> buffer;
    for (;;) {
        auto [failed, size] = co_await client.async_read_some(asio::buffer(buffer), use_task);
        if (failed) co_return;
        const int asked = chosen.parse ? requests.count(buffer.data(), size) : 1;
        if (asked < 0) co_return;
        if (asked == 0) continue;
        const std::string_view text = answers.to(static_cast<unsigned>(asked));
        auto [broken, sent] = co_await asio::async_write(client, asio::buffer(text.data(), text.size()), use_task);
        if (broken || sent != text.size()) co_return;
    }
}

task serve(listener& where, const options& chosen, answers& answers) {
    for (;;) {
        auto [failed, client] = co_await where.async_accept(use_task);
        if (!failed) asio::co_spawn(where.get_executor(), converse(std::move(client), chosen, answers), asio::detached);
    }
}

} // namespace

int main(int argc, char** argv) {
    const options chosen = read_options(argc, argv);
    answers answers(chosen.response);
    asio::io_context context(1);
    listener where(context.get_executor(), asio::ip::tcp::v4(), listen_on_loopback());
    asio::co_spawn(context.get_executor(), serve(where, chosen, answers), asio::detached);
    context.run();
}
