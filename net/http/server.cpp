#include <tuyau/net/http/server.hpp>

#include <utility>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/stop.hpp>

namespace tuyau::http {

task<result<void>> server::serve(tcp_listener& listener) {
    const std::size_t most = shared_.limits.connections;
    for (;;) {
        while (clients_.size() >= most)
            if (!co_await clients_.fewer_than(most)) co_return failure(std::errc::operation_canceled);
        auto client = co_await listener.accept();
        if (!client) co_return failure(client.error());
        ++shared_.counts.connections;
        clients_.spawn(converse(std::move(*client)));
    }
}

task<bool> server::drain() {
    shared_.draining = true;
    shared_.connections.for_each([](detail::connection_base& each) { each.end_if_idle(); });
    auto all_finish = [](scope& clients) -> task<bool> {
        await_chain* chain = co_await this_chain();
        co_await clients.join();
        co_return !chain->stop_requested();
    };
    auto finished = co_await with_deadline(shared_.limits.drain_time, all_finish(clients_));
    co_return finished && *finished;
}

task<result<void>> serve(tcp_listener& listener, handler answer, const server_limits& limits) {
    server here(std::move(answer), limits);
    auto ended = co_await here.serve(listener);
    co_await shield(here.drain());
    co_return ended;
}

} // namespace tuyau::http
