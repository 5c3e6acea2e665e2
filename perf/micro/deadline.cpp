// A receive whose byte is there already, alone and under a deadline that does not come. The peer's bytes are written many at
// a time, so that they cost next to nothing.

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <utility>

#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <unistd.h>

#include "allocations_counted.hpp"
#include "peer.hpp"

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/task.hpp>

namespace {

using namespace std::chrono_literals;
using tuyau::result;
using tuyau::task;

/// Two connected sockets; there is always a byte to receive from one of them.
class full_socket {
public:
    full_socket() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_.data()) != 0)
            throw std::runtime_error("no socket pair");
    }
    full_socket(const full_socket&) = delete;
    full_socket& operator=(const full_socket&) = delete;
    ~full_socket() {
        if (fds_[0] >= 0) ::close(fds_[0]);
        ::close(fds_[1]);
    }

    int take() noexcept { return std::exchange(fds_[0], -1); }

    /// Before each receive of one byte.
    void fill() {
        if (left_-- > 0) return;
        static constexpr std::array<char, 8192> bytes{};
        if (::write(fds_[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
            throw std::runtime_error("the socket pair takes no more");
        left_ = bytes.size() - 1;
    }

private:
    std::array<int, 2> fds_{-1, -1};
    std::size_t left_ = 0;
};

void check(bool received) {
    if (!received) throw std::runtime_error("nothing received");
}

using one_byte = std::array<std::byte, 1>;

task<result<std::size_t>> alone(tuyau::tcp_stream& stream, one_byte& space) { return stream.receive(space); }

task<result<std::size_t>> under_deadline(tuyau::tcp_stream& stream, one_byte& space) {
    return tuyau::with_deadline(1h, stream.receive(space));
}

task<> receives(benchmark::State& state, auto receive) {
    full_socket socket;
    tuyau::tcp_stream stream(socket.take());
    one_byte space{};
    socket.fill();
    auto first = co_await receive(stream, space);
    check(first.has_value());
    // The tail of the submission queue counts the requests that were ever prepared.
    const unsigned& requests = tuyau::loop::current().requests().native()->sq.sqe_tail;
    const unsigned before = requests;
    {
        const allocations_counted count(state);
        for (auto _ : state) {
            socket.fill();
            auto received = co_await receive(stream, space);
            check(received.has_value());
        }
    }
    state.counters["requests"] = benchmark::Counter(requests - before, benchmark::Counter::kAvgIterations);
}

void tuyau_receive(benchmark::State& state, task<result<std::size_t>> (*receive)(tuyau::tcp_stream&, one_byte&)) {
    tuyau::loop here;
    here.run(receives(state, receive));
}

using asio_socket = asio::basic_stream_socket<asio::local::stream_protocol, peer::executor>;
using asio_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, peer::executor>;

/// The timer's handler would cancel the receive.
peer::awaitable<> asio_receives(benchmark::State& state) {
    full_socket pair;
    const auto here = co_await asio::this_coro::executor;
    asio_socket socket(here, asio::local::stream_protocol(), pair.take());
    asio_timer limit(here);
    one_byte space{};
    const allocations_counted count(state);
    for (auto _ : state) {
        pair.fill();
        limit.expires_after(1h);
        limit.async_wait([&socket](const asio::error_code& error) {
            if (!error) socket.cancel();
        });
        check(co_await socket.async_receive(asio::buffer(space), peer::use_awaitable) == 1);
        limit.cancel();
    }
}

void asio_receive(benchmark::State& state) { peer::run(asio_receives(state)); }

BENCHMARK_CAPTURE(tuyau_receive, alone, alone)->Name("receive/alone/tuyau");
BENCHMARK_CAPTURE(tuyau_receive, deadline, under_deadline)->Name("receive/deadline/tuyau");
BENCHMARK(asio_receive)->Name("receive/deadline/asio");

} // namespace
