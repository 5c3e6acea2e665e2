#include "tcp_mode.hpp"

#include <cstddef>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>

#include "connection.hpp"
#include "failure.hpp"
#include "output.hpp"

namespace uring_client {
namespace {

tuyau::task<> forward_input(tuyau::tcp_stream& peer) {
    std::vector<std::byte> space(65536);
    for (;;) {
        auto size = co_await tuyau::read_some(STDIN_FILENO, space);
        if (!size && tuyau::is_cancelled(size.error())) co_return;
        if (!size)
            throw failure(exit_code::not_read, fmt::format("cannot read standard input: {}", size.error().message()));
        if (*size == 0) break;
        auto sent = co_await peer.send(std::span(space).first(static_cast<std::size_t>(*size)));
        if (!sent) co_return; // the connection is over: whoever receives will say how it ended
    }
    (void)peer.shutdown_send();
}

tuyau::task<> print(tuyau::tcp_stream& peer, const std::string& name, tuyau::scope& both) {
    output out = co_await output::open("-");
    std::size_t received = 0;
    for (;;) {
        auto data = co_await peer.receive();
        if (!data && tuyau::is_cancelled(data.error())) co_return; // the other direction failed
        if (!data)
            throw failure(exit_code::receive_failed, fmt::format("the connection to {} broke after {} bytes: {}", name,
                                                                 received, data.error().message()));
        if (data->empty()) break;
        received += data->size();
        co_await out.write(data->text());
    }
    both.stop(); // whoever waits for input waits in vain
}

} // namespace

tuyau::task<> talk_tcp(std::string host, std::uint16_t port, std::chrono::milliseconds connect_limit) {
    tuyau::tcp_stream peer = co_await connect_to(host, port, connect_limit);
    const std::string name = name_of(host, port);
    tuyau::scope both;
    both.spawn(forward_input(peer));
    both.spawn(print(peer, name, both));
    co_await both.join();
}

} // namespace uring_client
