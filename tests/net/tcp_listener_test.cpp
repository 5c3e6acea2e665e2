#include <tuyau/net/tcp_listener.hpp>

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"
#include "support/socket.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using tests::socket_client;
using tuyau::endpoint;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tcp_stream;

namespace {

const endpoint anywhere("127.0.0.1", 0);

std::uint16_t port_of(const tcp_listener& listener) { return listener.local_endpoint().value().port(); }

/// Our descriptor of the connection whose other end has this port.
int connected_to(std::uint16_t port) {
    for (int fd = 3; fd < 1024; ++fd) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && ntohs(peer.sin_port) == port)
            return fd;
    }
    return -1;
}

task<> greet(tcp_stream client, int number) {
    auto sent = co_await client.send(std::to_string(number) + "\n");
    CHECK(sent);
}

} // namespace

TEST_CASE("a listener on port 0 tells which port it was given, in both families") {
    for (const char* address : {"127.0.0.1", "::1"}) {
        auto listener = tcp_listener::bind(endpoint(address, 0));
        REQUIRE(listener);
        CHECK(listener->is_open());
        auto where = listener->local_endpoint();
        REQUIRE(where);
        CHECK(where->address() == address);
        CHECK(where->port() != 0);
        const socket_client client(address, where->port());
    }
}

TEST_CASE("an address in use, and one that is not ours, are error values and leave no descriptor") {
    const std::size_t before = tests::open_descriptors();
    {
        auto first = tcp_listener::bind(anywhere).value();
        auto second = tcp_listener::bind(first.local_endpoint().value());
        REQUIRE_FALSE(second);
        CHECK(second.error() == std::errc::address_in_use);
        auto elsewhere = tcp_listener::bind(endpoint("192.0.2.1", 0));
        REQUIRE_FALSE(elsewhere);
        CHECK(elsewhere.error() == std::errc::address_not_available);
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a port is free again as soon as its listener is closed, although connections were open") {
    loop here;
    here.run([]() -> task<> {
        auto first = tcp_listener::bind(anywhere).value();
        const auto where = first.local_endpoint().value();
        socket_client client("127.0.0.1", where.port());
        auto accepted = co_await first.accept();
        REQUIRE(accepted);
        accepted->close(); // our end closes first and goes to TIME_WAIT
        client.receive_all();
        first.close();
        co_await tests::rounds_until([] { return loop::current().requests().in_flight() == 0; });
        auto second = tcp_listener::bind(where);
        CHECK(second);
    }());
}

TEST_CASE("several listeners share a port when they ask for it") {
    auto first = tcp_listener::bind(anywhere, {.backlog = 16, .reuse_port = true}).value();
    auto second = tcp_listener::bind(first.local_endpoint().value(), {.backlog = 16, .reuse_port = true});
    CHECK(second);
}

TEST_CASE("connections wait in the backlog until they are accepted, each once and in turn") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        std::vector<std::unique_ptr<socket_client>> clients;
        for (int number = 0; number < 50; ++number)
            clients.push_back(std::make_unique<socket_client>("127.0.0.1", port_of(listener)));
        for (auto& each : clients) {
            auto accepted = co_await listener.accept();
            REQUIRE(accepted);
            CHECK(accepted->peer_endpoint().value().port() == each->local_port());
        }
    }());
}

TEST_CASE("the kernel is asked once, not once per connection") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        const bool goes_on = loop::current().requests().uses(tuyau::feature::multishot_accept);
        for (int number = 0; number < 20; ++number) {
            socket_client client("127.0.0.1", port_of(listener));
            auto accepted = co_await listener.accept();
            REQUIRE(accepted);
            CHECK(loop::current().requests().in_flight() == (goes_on ? 1 : 0));
            accepted->close();
            CHECK(loop::current().requests().prepared() == 0);
        }
    }());
}

TEST_CASE("accepted connections send without delay, and close when a program is executed") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        socket_client client("127.0.0.1", port_of(listener));
        auto accepted = co_await listener.accept();
        REQUIRE(accepted);
        const int fd = connected_to(client.local_port());
        REQUIRE(fd >= 0);
        int set = 0;
        socklen_t size = sizeof set;
        REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &set, &size) == 0);
        CHECK(set != 0);
        CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }());
}

TEST_CASE("a tiny completion queue is flooded with connections, and every one of them is served") {
    loop here({.ring = {.submission_entries = 8, .completion_entries = 8},
               .buffers = {.size = 256, .initial = 2, .most = 2}});
    here.run([](loop& on) -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        scope greeted;
        std::vector<std::unique_ptr<socket_client>> clients;
        std::optional<result<tcp_stream>> first;
        scope acceptor;
        acceptor.spawn([](tcp_listener& from, std::optional<result<tcp_stream>>& to) -> task<> {
            to.emplace(co_await from.accept());
        }(listener, first));
        co_await tests::nop(); // the multishot accept is armed, and meets all of them at once
        for (int number = 0; number < 200; ++number)
            clients.push_back(std::make_unique<socket_client>("127.0.0.1", port_of(listener)));
        co_await acceptor.join();
        REQUIRE(first);
        greeted.spawn(greet(std::move(first->value()), 0));
        for (int number = 1; number < 200; ++number) {
            auto accepted = co_await listener.accept();
            REQUIRE(accepted);
            greeted.spawn(greet(std::move(*accepted), number));
        }
        co_await greeted.join();
        for (auto& each : clients) {
            const std::string greeting = each->receive_until("\n");
            CHECK(greeting.ends_with("\n"));
        }
        if (on.requests().uses(tuyau::feature::multishot_accept)) CHECK(on.requests().counts().overflows > 0);
    }(here));
}

TEST_CASE("a process short of descriptors serves everybody once there are some again") {
    const auto outcome = tests::in_child([] {
        loop here;
        auto listener = tcp_listener::bind(anywhere).value();
        std::vector<std::unique_ptr<socket_client>> clients;
        for (int number = 0; number < 20; ++number)
            clients.push_back(std::make_unique<socket_client>("127.0.0.1", port_of(listener)));
        std::vector<int> taken;
        const rlimit few{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
        return here.run([](tcp_listener& from, std::vector<int>& fds) -> task<int> {
            scope all;
            int accepted = 0;
            bool failed = false;
            all.spawn([](tcp_listener& source, int& count, bool& broken) -> task<> {
                while (count < 20) {
                    auto client = co_await source.accept(); // closed at once
                    if (!client) broken = true;
                    if (!client) co_return;
                    ++count;
                }
            }(from, accepted, failed));
            co_await tuyau::sleep_for(50ms); // several attempts find none
            if (accepted != 0) co_return 2;
            if (failed) co_return 3;
            for (int fd : fds) ::close(fd);
            auto done = co_await tuyau::with_deadline(60s, [](scope& which) -> task<> { co_await which.join(); }(all));
            if (failed) co_return 3;
            co_return done&& accepted == 20 ? 0 : 4;
        }(listener, taken));
    });
    CHECK(outcome.errors.empty());
    CHECK(outcome.exit_code == 0);
}

TEST_CASE("a connection that was reset before it was accepted harms nobody") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        for (int number = 0; number < 5; ++number) {
            socket_client gone("127.0.0.1", port_of(listener));
            gone.reset();
        }
        socket_client client("127.0.0.1", port_of(listener));
        for (bool found = false; !found;) {
            auto accepted = co_await listener.accept();
            REQUIRE(accepted);
            auto peer = accepted->peer_endpoint();
            found = peer && peer->port() == client.local_port();
        }
    }());
}

TEST_CASE("accepting ends with a stop, and the connection that comes later is not lost") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        auto late = co_await tuyau::with_deadline(
            2ms, [](tcp_listener& from) -> task<result<tcp_stream>> { co_return co_await from.accept(); }(listener));
        REQUIRE_FALSE(late);
        CHECK(late.error() == std::errc::timed_out);
        socket_client client("127.0.0.1", port_of(listener));
        auto accepted = co_await listener.accept();
        REQUIRE(accepted);
        CHECK(accepted->peer_endpoint().value().port() == client.local_port());
    }());
}

TEST_CASE("who accepts on a listener that another coroutine closes is woken with an error") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        std::optional<std::error_code> error;
        scope acceptor;
        acceptor.spawn([](tcp_listener& from, std::optional<std::error_code>& to) -> task<> {
            auto accepted = co_await from.accept();
            if (!accepted) to = accepted.error();
        }(listener, error));
        co_await tests::nop();
        listener.close();
        co_await acceptor.join();
        REQUIRE(error);
        CHECK(tuyau::is_cancelled(*error));
        auto closed = co_await listener.accept();
        CHECK(closed.error() == std::errc::bad_file_descriptor);
        CHECK_FALSE(listener.local_endpoint());
        CHECK_FALSE(listener.is_open());
    }());
}

TEST_CASE("two coroutines that accept on one listener at the same time are refused") {
    const auto twice = [] {
        loop here;
        here.run([]() -> task<> {
            auto listener = tcp_listener::bind(anywhere).value();
            auto accept = [](tcp_listener& from) -> task<> { co_await from.accept(); };
            scope both;
            both.spawn(accept(listener));
            both.spawn(accept(listener));
            co_await both.join();
        }());
    };
    CHECK(tests::broken_contract_of(twice) == "two coroutines wait on one stream at the same time");
}

TEST_CASE("connections that nobody accepts are closed with their listener, and no descriptor stays open") {
    const std::size_t before = tests::open_descriptors();
    {
        loop here;
        here.run([]() -> task<> {
            auto listener = tcp_listener::bind(anywhere).value();
            std::vector<std::unique_ptr<socket_client>> clients;
            for (int number = 0; number < 10; ++number)
                clients.push_back(std::make_unique<socket_client>("127.0.0.1", port_of(listener)));
            auto accepted = co_await listener.accept(); // the others were taken from the kernel along with it
            REQUIRE(accepted);
            listener.close();
            accepted->close();
            for (auto& each : clients) CHECK(each->receive_all().empty());
        }());
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a loop may be destroyed while its listener is armed, and the listener after it") {
    const std::size_t before = tests::open_descriptors();
    std::optional<tcp_listener> outlives;
    {
        loop here;
        here.run([](std::optional<tcp_listener>& listener) -> task<> {
            listener = tcp_listener::bind(anywhere).value();
            socket_client first("127.0.0.1", port_of(*listener));
            socket_client second("127.0.0.1", port_of(*listener));
            auto accepted = co_await listener->accept();
            CHECK(accepted);
        }(outlives));
    }
    CHECK(outlives->local_endpoint());
    outlives.reset();
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("connections that come and go while some always wait take no more and more memory") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        std::vector<std::unique_ptr<socket_client>> waiting;
        const auto connect = [&] {
            waiting.push_back(std::make_unique<socket_client>("127.0.0.1", port_of(listener)));
        };
        for (int number = 0; number < 3; ++number) connect();
        for (int number = 0; number < 3000; ++number) { // never drained, three times over what it keeps ready
            connect();
            auto accepted = co_await listener.accept();
            REQUIRE(accepted);
            REQUIRE(accepted->peer_endpoint().value().port() == waiting.front()->local_port());
            waiting.erase(waiting.begin());
        }
    }());
}
