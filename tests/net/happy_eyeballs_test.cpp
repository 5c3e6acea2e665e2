// A host with several addresses: which are tried, when, and what becomes of the attempts (RFC 8305). Addresses of the
// machine's own loopback network stand in for a host's: one with a full backlog does not answer, one that nobody listens on
// refuses.

#include <tuyau/net/connect.hpp>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <netdb.h>
#include <optional>
#include <string>
#include <system_error>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using tuyau::address_family;
using tuyau::connect;
using tuyau::connect_options;
using tuyau::endpoint;
using tuyau::host_table;
using tuyau::loop;
using tuyau::result;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tcp_stream;

namespace {

/// Listens, and answers nobody: its backlog is full.
class silent_address {
public:
    explicit silent_address(endpoint where) : listener_(tcp_listener::bind(where, {.backlog = 0}).value()) {
        const endpoint bound = this->where();
        for (int count = 0; count < 8; ++count) {
            const int fd = ::socket(bound.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            ::connect(fd, bound.native(), bound.native_size());
            fds_.push_back(fd);
        }
    }
    silent_address(silent_address&&) = default;
    ~silent_address() {
        for (int fd : fds_) ::close(fd);
    }
    endpoint where() const { return listener_.local_endpoint().value(); }

private:
    tcp_listener listener_;
    std::vector<int> fds_;
};

/// A host whose addresses share a port that was free on the first.
class host {
public:
    explicit host(std::string first = "127.0.0.1") : listener_(tcp_listener::bind(endpoint(first, 0)).value()) {
        port = listener_.local_endpoint().value().port();
        first_ = std::move(first);
    }

    /// Each of `addresses`: the host's first one listens, the others do as they were told.
    connect_options options(const std::vector<std::string>& addresses, std::chrono::milliseconds delay) {
        std::vector<endpoint> all;
        for (const std::string& each : addresses) all.emplace_back(each, port);
        table_.add("many.example", port, all);
        return {.limit = 60s, .overrides = &table_, .attempt_delay = delay};
    }

    std::uint16_t port;

private:
    tcp_listener listener_;
    std::string first_;
    host_table table_;
};

/// Makes a host at `first`, and an address of its port at `silent` that does not answer. Other tests may have a port there
/// that is free at `first`: then the kernel is asked for another.
silent_address on_the_port_of(std::optional<host>& made, const std::string& first, const std::string& silent) {
    for (int attempts = 100;; --attempts) {
        made.emplace(first);
        try {
            return silent_address(endpoint(silent, made->port));
        } catch (const std::system_error& taken) {
            if (attempts == 0 || taken.code() != std::errc::address_in_use) throw;
        }
    }
}

bool has_ipv6() { return tcp_listener::bind(endpoint("::1", 0)).has_value(); }

} // namespace

TEST_CASE("families take turns, in the order that the resolver gives") {
    const auto order = [](const std::vector<std::string>& addresses) {
        std::vector<endpoint> all;
        for (const std::string& each : addresses) all.emplace_back(each, 1);
        std::vector<std::string> texts;
        for (const endpoint& each : tuyau::detail::interleaved(all)) texts.push_back(each.address());
        return texts;
    };
    using list = std::vector<std::string>;
    CHECK(order({}) == list{});
    CHECK(order({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"}) == list{"::1", "1.1.1.1", "::2", "2.2.2.2", "::3"});
    CHECK(order({"1.1.1.1", "2.2.2.2", "::1"}) == list{"1.1.1.1", "::1", "2.2.2.2"});
    CHECK(order({"1.1.1.1", "2.2.2.2"}) == list{"1.1.1.1", "2.2.2.2"});
}

TEST_CASE("an address that does not answer holds the next one back for the delay only") {
    loop here;
    const std::size_t before = tests::open_descriptors();
    {
        host target;
        const silent_address first(endpoint("127.0.0.2", target.port));
        const silent_address second(endpoint("127.0.0.3", target.port));
        here.run([](host& to) -> task<> {
            const auto options = to.options({"127.0.0.2", "127.0.0.3", "127.0.0.1"}, 5ms);
            const auto start = std::chrono::steady_clock::now();
            auto stream = co_await connect("many.example", to.port, options);
            REQUIRE(stream);
            CHECK(stream->peer_endpoint().value().address() == "127.0.0.1");
            CHECK(std::chrono::steady_clock::now() - start >= 10ms);
            CHECK(tuyau::loop::current().requests().in_flight() == 0); // the others are over
        }(target));
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("an address that refuses does not hold the next one back") {
    loop here;
    host target;
    here.run([](host& to) -> task<> {
        const auto options = to.options({"127.0.0.2", "127.0.0.3", "127.0.0.1"}, 24h);
        auto stream = co_await connect("many.example", to.port, options);
        REQUIRE(stream);
        CHECK(stream->peer_endpoint().value().address() == "127.0.0.1");
    }(target));
}

TEST_CASE("an address that answers is the only one that is tried") {
    loop here;
    host target;
    auto other = tcp_listener::bind(endpoint("127.0.0.2", target.port)).value();
    here.run([](host& to, tcp_listener& not_tried) -> task<> {
        const auto options = to.options({"127.0.0.1", "127.0.0.2"}, 24h);
        auto stream = co_await connect("many.example", to.port, options);
        REQUIRE(stream);
        CHECK(stream->peer_endpoint().value().address() == "127.0.0.1");
        const auto accept = [](tcp_listener& at) -> task<result<tcp_stream>> { co_return co_await at.accept(); };
        auto accepted = co_await tuyau::with_deadline(1ms, accept(not_tried));
        CHECK_FALSE(accepted);
    }(target, other));
}

TEST_CASE("both families are tried where the host has both") {
    if (!has_ipv6()) SKIP("this machine has no IPv6");
    loop here;
    std::optional<host> listening;
    const silent_address silent = on_the_port_of(listening, "::1", "127.0.0.1");
    host& target = *listening;
    here.run([](host& to) -> task<> {
        const auto options = to.options({"127.0.0.1", "127.0.0.1", "::1"}, 5ms);
        auto stream = co_await connect("many.example", to.port, options);
        REQUIRE(stream);
        CHECK(stream->peer_endpoint().value().address() == "::1");
        auto of_family = to.options({"127.0.0.1", "::1"}, 24h);
        of_family.family = address_family::ipv6;
        stream = co_await connect("many.example", to.port, of_family);
        REQUIRE(stream);
        of_family.family = address_family::ipv4;
        of_family.limit = 10ms;
        auto none = co_await connect("many.example", to.port, of_family);
        CHECK(none.error() == std::errc::timed_out);
    }(target));
}

TEST_CASE("of several errors the one that tells most is told") {
    loop here;
    host target;
    here.run([](host& to) -> task<> {
        const auto options = to.options({"127.0.0.2", "127.0.0.3"}, 24h);
        auto refused = co_await connect("many.example", to.port, options);
        CHECK(refused.error() == std::errc::connection_refused);
        // A socket of TCP cannot be connected to all machines at once: no route leads there (ip(7)).
        const std::vector<std::string> one{"255.255.255.255", "127.0.0.3"};
        const std::vector<std::string> other{"127.0.0.3", "255.255.255.255"};
        for (const auto* order : {&one, &other}) {
            const auto in_order = to.options(*order, 24h);
            refused = co_await connect("many.example", to.port, in_order);
            CHECK(refused.error() == std::errc::connection_refused);
        }
    }(target));
}

TEST_CASE("the limit is for all attempts together, and a stop ends all of them") {
    loop here;
    host target;
    const silent_address first(endpoint("127.0.0.2", target.port));
    const silent_address second(endpoint("127.0.0.3", target.port));
    const std::size_t before = tests::open_descriptors();
    here.run([](host& to) -> task<> {
        auto options = to.options({"127.0.0.2", "127.0.0.3"}, 1ms);
        options.limit = 20ms;
        auto late = co_await connect("many.example", to.port, options);
        REQUIRE_FALSE(late);
        CHECK(late.error() == std::errc::timed_out);
        CHECK(loop::current().requests().in_flight() == 0);

        options.limit = 60s;
        std::error_code told;
        tuyau::scope connecting;
        connecting.spawn([](std::uint16_t port, connect_options how, std::error_code& to_tell) -> task<> {
            auto outcome = co_await connect("many.example", port, how);
            to_tell = outcome ? std::error_code() : outcome.error();
        }(to.port, options, told));
        co_await tests::nop();
        connecting.stop();
        co_await connecting.join();
        CHECK(tuyau::is_cancelled(told));
    }(target));
    CHECK(here.requests().in_flight() == 0);
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a race of attempts may be stopped or destroyed at any step, and leaks no descriptor") {
    loop here;
    host target;
    const silent_address silent(endpoint("127.0.0.2", target.port));
    const std::size_t before = tests::open_descriptors();
    for (int steps = 0; steps < 12; ++steps) {
        for (const bool by_force : {true, false}) {
            here.run([](host& to, int rounds, bool destroy) -> task<> {
                const auto options = to.options({"127.0.0.2", "127.0.0.3", "127.0.0.1"}, 0ms);
                const auto attempt = [](std::uint16_t port, connect_options how) -> task<> {
                    co_await connect("many.example", port, how);
                };
                if (destroy) {
                    auto running = tests::loose::start(attempt(to.port, options));
                    for (int round = 0; round < rounds; ++round) co_await tests::nop();
                } else {
                    tuyau::scope running;
                    running.spawn(attempt(to.port, options));
                    for (int round = 0; round < rounds; ++round) co_await tests::nop();
                    running.stop();
                    co_await running.join();
                }
            }(target, steps, by_force));
            CHECK(here.requests().in_flight() == 0);
        }
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a name that does not resolve, or not in the family asked for, is the resolver's error") {
    loop here;
    here.run([]() -> task<> {
        auto none = co_await connect("127.0.0.1", 1, connect_options{.family = address_family::ipv6});
        REQUIRE_FALSE(none);
        CHECK(none.error() == std::error_code(EAI_ADDRFAMILY, tuyau::resolve_category()));
        none = co_await connect("", 1, connect_options{});
        REQUIRE_FALSE(none);
        CHECK(none.error().category() == tuyau::resolve_category());
    }());
}

TEST_CASE("addresses that are known already are tried as those of a name are, and none is an error") {
    host many;
    loop here;
    here.run([](std::uint16_t port) -> task<> {
        std::vector<endpoint> known;
        known.emplace_back("127.0.0.2", port);
        known.emplace_back("127.0.0.1", port);
        auto stream = co_await connect(known);
        REQUIRE(stream);
        CHECK(stream->peer_endpoint().value() == endpoint("127.0.0.1", port));
        auto none = co_await connect(std::vector<endpoint>());
        REQUIRE_FALSE(none);
        CHECK(none.error() == std::errc::invalid_argument);
    }(many.port));
}
