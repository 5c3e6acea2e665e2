#include <tuyau/net/http/server.hpp>

#include <utility>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/timer.hpp>

namespace tuyau::http {
namespace {

// Of connections that hear why they are not served: beyond, they are closed without a word.
constexpr std::size_t most_turned_away = 64;

// Of a crowd so many are let in before those who are inside have their turn. What all of it says at once would also need as
// many receive buffers, for good.
constexpr unsigned most_let_in_at_once = 16;

task<> turn_away(detail::server_state& owner, tcp_stream client, std::size_t& count) {
    detail::connection<tcp_stream> here(owner, std::move(client));
    here.run_in(co_await this_chain());
    struct counted {
        explicit counted(std::size_t& all) noexcept : count(all) { ++count; }
        ~counted() { --count; }
        std::size_t& count;
    };
    const counted one(count);
    co_await here.turn_away(
        {503, "There are too many connections from your address.", refusal_cause::too_many_connections});
}

} // namespace

server::server(handler answer, const server_limits& limits, std::shared_ptr<address_quota> quota,
               std::shared_ptr<concurrent::semaphore> places)
    : shared_(std::move(answer), limits), quota_(std::move(quota)), places_(std::move(places)) {
    if (quota_ == nullptr && limits.connections_per_address != 0)
        quota_ = std::make_shared<address_quota>(limits.connections_per_address);
}

/// Whether the client's address has a place left, which then is `place`.
bool server::admit(const tcp_stream& client, address_quota::place& place) {
    if (quota_ == nullptr) return true;
    const auto address = client.peer_endpoint();
    if (!address) return true; // it is gone already, which its task will see
    place = quota_->take(*address);
    return static_cast<bool>(place);
}

/// Waits for a client and for a place to serve it. Who shares the places with others has the client first: which of them
/// the next one comes to, nobody knows.
task<result<tcp_stream>> server::accept(tcp_listener& listener, shared_place& place) {
    const std::size_t most = shared_.limits.connections;
    while (places_ == nullptr && clients_.size() >= most)
        if (!co_await clients_.fewer_than(most)) co_return failure(std::errc::operation_canceled);
    auto client = co_await listener.accept();
    if (!client || places_ == nullptr) co_return client;
    auto acquired = co_await places_->acquire();
    if (!acquired) co_return failure(acquired.error());
    place = shared_place(*places_);
    co_return client;
}

task<result<void>> server::serve(tcp_listener& listener) {
    for (unsigned count = 1;; ++count) {
        if (count % most_let_in_at_once == 0) {
            auto turn = co_await yield();
            if (!turn) co_return failure(turn.error());
        }
        admission given;
        auto client = co_await accept(listener, given.of_all);
        if (!client) co_return failure(client.error());
        ++shared_.counts.connections;
        if (admit(*client, given.of_its_address))
            clients_.spawn(detail::converse(shared_, std::move(*client), std::move(given)));
        else if (turned_away_ < most_turned_away)
            clients_.spawn(turn_away(shared_, std::move(*client), turned_away_));
        else
            ++shared_.counts.refusals[static_cast<std::size_t>(refusal_cause::too_many_connections)];
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
