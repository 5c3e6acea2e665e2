// What a request and a connection may cost, in counts: they are the same on every machine.

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <sys/socket.h>

#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/sync/event.hpp>

#include "support/allocations.hpp"
#include "support/socket.hpp"
#include "support/tracepoint.hpp"

using namespace tuyau;

namespace {

const std::string request_bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Answers, and tells when it has answered so many.
class page {
public:
    task<> operator()(http::request&, http::response& reply) {
        reply.send(response_);
        if (--missing_ == 0) all_answered_.set();
        co_return;
    }

    void expect(std::size_t requests) {
        all_answered_.reset();
        missing_ = requests;
    }
    event& all_answered() noexcept { return all_answered_; }

private:
    http::prepared_response response_{200, "text/plain", "@"};
    event all_answered_;
    std::size_t missing_ = 0;
};

/// A server on this loop, and clients that are plain sockets of the same thread: what they ask is there before the loop
/// looks.
class ground {
public:
    ground() : server_(std::ref(page_)), listener_(tcp_listener::bind(endpoint("127.0.0.1", 0)).value()) {
        accepting_.spawn(accept());
    }

    ring& requests() noexcept { return loop::current().requests(); }

    task<> connect(std::size_t count) {
        const std::uint16_t port = listener_.local_endpoint().value().port();
        while (clients_.size() < count) {
            clients_.push_back(std::make_unique<tests::socket_client>("127.0.0.1", port));
            co_await ask_all(clients_.size() - 1);
        }
    }

    /// So many at once, each of which has asked before the loop knows of it.
    task<> crowd(std::size_t count) {
        const std::uint16_t port = listener_.local_endpoint().value().port();
        page_.expect(count);
        while (clients_.size() < count) {
            clients_.push_back(std::make_unique<tests::socket_client>("127.0.0.1", port));
            clients_.back()->send(request_bytes);
        }
        co_await page_.all_answered().wait();
    }

    /// A request on each connection from `first` on, and the answers.
    task<> ask_all(std::size_t first = 0) {
        page_.expect(clients_.size() - first);
        for (std::size_t index = first; index < clients_.size(); ++index) clients_[index]->send(request_bytes);
        co_await page_.all_answered().wait();
        const auto nothing = [](io_uring_sqe& sqe) { io_uring_prep_nop(&sqe); };
        auto sent = co_await operation(nothing); // the answers go with it
        REQUIRE(sent);
        for (std::size_t index = first; index < clients_.size(); ++index) REQUIRE(take_answer(clients_[index]->fd()));
    }

    /// What so many rounds of requests on every connection cost the ring.
    task<ring_counts> spent_on(std::size_t rounds) {
        const ring_counts before = requests().counts();
        for (std::size_t round = 0; round < rounds; ++round) co_await ask_all();
        const ring_counts& after = requests().counts();
        co_return ring_counts{after.enters - before.enters, after.submissions - before.submissions,
                              after.completions - before.completions, after.overflows - before.overflows};
    }

    task<> end() {
        clients_.clear();
        accepting_.stop();
        co_await accepting_.join();
        co_await server_.drain();
    }

private:
    task<> accept() { co_await server_.serve(listener_); }

    static bool take_answer(int fd) {
        std::array<char, 1024> space{};
        const auto size = ::recv(fd, space.data(), space.size(), MSG_DONTWAIT);
        return size > 0 && space[static_cast<std::size_t>(size) - 1] == '@';
    }

    page page_;
    http::server server_;
    tcp_listener listener_;
    std::vector<std::unique_ptr<tests::socket_client>> clients_;
    scope accepting_;
};

void require_usual_receives(loop& here) {
    if (!here.requests().uses(feature::multishot_receive) || !here.requests().uses(feature::buffer_ring))
        SKIP("a kernel without multishot receives into a buffer ring");
}

} // namespace

TEST_CASE("64 connections that are always ready: one submission and two completions a request, a tenth of a call") {
    loop here;
    require_usual_receives(here);
    here.run([]() -> task<> {
        constexpr std::size_t connections = 64;
        constexpr std::size_t rounds = 100;
        ground all;
        co_await all.connect(connections);
        co_await all.spent_on(rounds); // warm
        const ring_counts spent = co_await all.spent_on(rounds);
        constexpr std::size_t asked = connections * rounds;
        // A round has a request of its own, which is part of neither; and a look behind data now and then may cancel.
        CHECK(spent.submissions <= asked + rounds + connections);
        CHECK(spent.completions <= 2 * asked + rounds + 2 * connections);
        CHECK(spent.overflows == 0);
        CHECK(static_cast<double>(spent.enters - rounds) / asked <= 0.10);
        co_await all.end();
    }());
}

TEST_CASE("256 connections that are answered at once: no allocation once warm") {
    loop here;
    here.run([]() -> task<> {
        constexpr std::size_t connections = 256;
        constexpr std::size_t most_rounds = 1000;
        constexpr std::size_t wanted = 100; // 25,600 requests
        ground all;
        co_await all.connect(connections);
        // How many are answered at once is the kernel's: what one more of them needs is made once, and the count starts anew.
        std::size_t in_a_row = 0;
        for (std::size_t round = 0; round < most_rounds && in_a_row < wanted; ++round) {
            const std::size_t before = tests::allocations();
            co_await all.spent_on(1);
            in_a_row = tests::allocations() == before ? in_a_row + 1 : 0;
        }
        CHECK(in_a_row == wanted);
        co_await all.end();
    }());
}

TEST_CASE("one connection: one call into the ring a request, and no request of the ring") {
    loop here;
    require_usual_receives(here);
    here.run([]() -> task<> {
        constexpr std::size_t rounds = 200;
        ground one;
        co_await one.connect(1);
        const ring_counts spent = co_await one.spent_on(rounds);
        // Beside the two calls and the request of a round's own.
        CHECK(static_cast<double>(spent.enters - rounds) / rounds <= 1.05);
        CHECK(spent.submissions <= rounds + 2);
        CHECK(spent.completions <= 2 * rounds + 2);
        CHECK(spent.overflows == 0);
        co_await one.end();
    }());
}

TEST_CASE("the kernel polls a connection once, and hands nothing to a worker thread") {
    const tests::tracepoint_counter polls("io_uring/io_uring_poll_arm");
    const tests::tracepoint_counter punts("io_uring/io_uring_queue_async_work");
    if (!polls.counts() || !punts.counts()) SKIP("tracepoints cannot be counted here: that takes tracefs, and root");
    loop here;
    require_usual_receives(here);
    if (!here.requests().uses(feature::multishot_accept)) SKIP("a kernel that polls for each accept");
    here.run([&]() -> task<> {
        constexpr std::size_t connections = 64;
        ground all;
        co_await all.connect(1);
        const std::uint64_t of_one = polls.count(); // with those of the listener and of the loop itself
        co_await all.connect(connections);
        CHECK(polls.count() - of_one == connections - 1);
        co_await all.spent_on(200);
        // A receive that is looked at anew, as one is now and then, is polled for anew.
        CHECK(polls.count() - of_one <= 2 * connections);
        CHECK(punts.count() == 0);
        co_await all.end();
    }());
}

TEST_CASE("a crowd that has asked before it is let in needs no more receive buffers than there are at first") {
    loop here;
    require_usual_receives(here);
    if (!here.requests().uses(feature::defer_taskrun)) SKIP("a kernel that receives whenever it likes");
    here.run([&]() -> task<> {
        ground all;
        co_await all.crowd(400);
        CHECK(here.receive_buffers().total() == buffer_options().initial);
        co_await all.end();
    }());
}

// Only an optimising compiler makes frames small.
#ifdef __OPTIMIZE__
constexpr bool is_optimised = !tuyau::frame_pool::detail::poisons;
#else
constexpr bool is_optimised = false;
#endif

TEST_CASE("an idle connection holds no more than 470 bytes of the program's memory") {
    if (!is_optimised) SKIP("frames are larger without optimisation, and under a sanitizer");
    loop here;
    here.run([]() -> task<> {
        constexpr std::size_t connections = 400;
        ground all;
        co_await all.connect(100);
        const std::size_t before = tests::live_bytes();
        co_await all.connect(100 + connections);
        const std::size_t of_clients = connections * (sizeof(tests::socket_client) + 32);
        const std::size_t spent = tests::live_bytes() - before - of_clients;
        CHECK(spent / connections <= 470);
        co_await all.end();
    }());
}
