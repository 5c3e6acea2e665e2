#include <tuyau/net/connect.hpp>

#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <utility>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

task<result<tcp_stream>> connect_without_limit(endpoint where) {
    const int fd = system::open_socket(where.family(), SOCK_STREAM, IPPROTO_TCP);
    if (fd < 0) co_return failure(-fd);
    tcp_stream stream(fd);
    system::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); // a matter of speed alone
    const auto begin = [&](io_uring_sqe& sqe) { io_uring_prep_connect(&sqe, fd, where.native(), where.native_size()); };
    auto connected = co_await operation(begin);
    // Made again after an interruption, it tells that the first one goes on by itself (connect(2)).
    const auto end = [fd](io_uring_sqe& sqe) { io_uring_prep_poll_add(&sqe, fd, POLLOUT); };
    while (!connected && connected.error() == std::errc::connection_already_in_progress) {
        auto ended = co_await operation(end);
        if (!ended) co_return failure(ended.error());
        connected = co_await operation(begin);
    }
    if (!connected && connected.error() != std::errc::already_connected) co_return failure(connected.error());
    co_return stream;
}

/// How much an error tells of why there is no connection.
int weight(std::error_code error) {
    if (error == std::errc::network_unreachable || error == std::errc::host_unreachable ||
        error == std::errc::address_not_available || error == std::errc::address_family_not_supported)
        return 1;
    if (error == std::errc::timed_out) return 2;
    if (error == std::errc::connection_refused || error == std::errc::connection_reset) return 3;
    return 4;
}

/// Attempts at several addresses, side by side.
class race {
public:
    void begin(endpoint where) {
        over_.reset();
        attempts_.spawn(attempt(*this, where));
    }

    /// Until one more attempt is over, with or without success, or all are, or a stop comes.
    task<result<void>> next_end() {
        auto waited = co_await over_.wait();
        co_return waited;
    }

    bool is_won() const noexcept { return winner_.has_value(); }
    bool runs() const noexcept { return !attempts_.empty(); }
    void await_next() noexcept { over_.reset(); }

    /// Gives up the attempts that are left; the winner, or the error that tells most.
    task<result<tcp_stream>> end() {
        attempts_.stop();
        co_await attempts_.join();
        if (winner_) co_return std::move(*winner_);
        co_return failure(error_);
    }

private:
    static task<> attempt(race& owner, endpoint where) {
        auto stream = co_await connect_without_limit(where);
        if (stream && !owner.winner_) owner.winner_ = std::move(*stream);
        if (!stream && (!owner.error_ || weight(stream.error()) > weight(owner.error_))) owner.error_ = stream.error();
        owner.over_.set();
    }

    event over_;
    std::optional<tcp_stream> winner_;
    std::error_code error_;
    scope attempts_; // last: its children use all of the above
};

task<result<tcp_stream>> connect_in_turn(std::vector<endpoint> addresses, std::chrono::milliseconds delay) {
    race attempts;
    std::error_code stopped;
    for (std::size_t next = 0; !stopped && !attempts.is_won() && (next < addresses.size() || attempts.runs());) {
        if (next < addresses.size()) attempts.begin(addresses[next++]);
        if (!attempts.runs()) continue; // it is over already
        auto ended = result<void>();
        if (next < addresses.size())
            ended = co_await with_deadline(delay, attempts.next_end());
        else
            ended = co_await attempts.next_end();
        if (!ended && ended.error() != std::errc::timed_out) stopped = ended.error();
        attempts.await_next();
    }
    auto outcome = co_await attempts.end();
    if (!outcome && stopped) co_return failure(stopped);
    co_return outcome;
}

task<result<tcp_stream>> connect_to_any(std::vector<endpoint> addresses, std::chrono::milliseconds delay) {
    if (addresses.size() == 1) {
        auto stream = co_await connect_without_limit(addresses.front());
        co_return stream;
    }
    auto stream = co_await connect_in_turn(detail::interleaved(addresses), delay);
    co_return stream;
}

task<result<tcp_stream>> connect_without_limit(std::string host, std::uint16_t port, connect_options options) {
    auto addresses = co_await resolve(std::move(host), port, {options.family, options.overrides});
    if (!addresses) co_return failure(addresses.error());
    auto stream = co_await connect_to_any(std::move(*addresses), options.attempt_delay);
    co_return stream;
}

} // namespace

std::vector<endpoint> detail::interleaved(const std::vector<endpoint>& addresses) {
    std::vector<endpoint> order;
    order.reserve(addresses.size());
    if (addresses.empty()) return order;
    const int first = addresses.front().family();
    const auto next_of = [&](std::size_t from, bool of_first) {
        while (from < addresses.size() && (addresses[from].family() == first) != of_first) ++from;
        return from;
    };
    std::size_t one = next_of(0, true);
    std::size_t other = next_of(0, false);
    while (order.size() < addresses.size()) {
        if (one < addresses.size()) {
            order.push_back(addresses[one]);
            one = next_of(one + 1, true);
        }
        if (other < addresses.size()) {
            order.push_back(addresses[other]);
            other = next_of(other + 1, false);
        }
    }
    return order;
}

task<result<tcp_stream>> connect(endpoint where, std::chrono::milliseconds limit) {
    co_return co_await with_deadline(limit, connect_without_limit(where));
}

task<result<tcp_stream>> connect(std::string host, std::uint16_t port, std::chrono::milliseconds limit) {
    connect_options options;
    options.limit = limit;
    return connect(std::move(host), port, options);
}

task<result<tcp_stream>> connect(std::string host, std::uint16_t port, connect_options options) {
    co_return co_await with_deadline(options.limit, connect_without_limit(std::move(host), port, options));
}

task<result<tcp_stream>> connect(std::vector<endpoint> addresses, connect_options options) {
    if (addresses.empty()) co_return failure(std::errc::invalid_argument);
    co_return co_await with_deadline(options.limit, connect_to_any(std::move(addresses), options.attempt_delay));
}

} // namespace tuyau
