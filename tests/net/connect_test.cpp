#include <tuyau/net/tcp_stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"
#include "support/process.hpp"

#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using tuyau::connect;
using tuyau::endpoint;
using tuyau::loop;
using tuyau::result;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tcp_stream;

namespace {

const endpoint anywhere("127.0.0.1", 0);

/// A port on this machine whose backlog is full, so that the kernel answers no further connection.
class full_listener {
public:
    full_listener() : listener_(tcp_listener::bind(anywhere, {.backlog = 0}).value()) {
        sockaddr_in native{};
        std::memcpy(&native, where().native(), sizeof native);
        for (int count = 0; count < 8; ++count) {
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            ::connect(fd, reinterpret_cast<const sockaddr*>(&native), sizeof native);
            fds_.push_back(fd);
        }
    }
    full_listener(const full_listener&) = delete;
    full_listener& operator=(const full_listener&) = delete;
    ~full_listener() {
        for (int fd : fds_) ::close(fd);
    }
    endpoint where() const { return listener_.local_endpoint().value(); }

private:
    tcp_listener listener_;
    std::vector<int> fds_;
};

} // namespace

TEST_CASE("a connection is made by address and by name") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        const auto where = listener.local_endpoint().value();
        const std::size_t before = tests::open_descriptors();
        auto by_address = co_await connect(where);
        REQUIRE(by_address);
        CHECK(tests::open_descriptors() <= before + 1);
        CHECK(by_address->peer_endpoint().value() == where);
        auto by_name = co_await connect("localhost", where.port());
        REQUIRE(by_name);
        auto by_number = co_await connect("127.0.0.1", where.port());
        REQUIRE(by_number);
        for (tcp_stream* each : {&*by_address, &*by_name, &*by_number}) {
            auto accepted = co_await listener.accept();
            REQUIRE(accepted);
            CHECK(accepted->peer_endpoint().value() == each->local_endpoint().value());
        }
    }());
}

TEST_CASE("a port where nobody listens refuses, by address and by name, and leaves no descriptor") {
    const std::size_t before = tests::open_descriptors();
    {
        loop here;
        here.run([]() -> task<> {
            auto listener = tcp_listener::bind(anywhere).value();
            const auto where = listener.local_endpoint().value();
            listener.close();
            auto by_address = co_await connect(where);
            CHECK(by_address.error() == std::errc::connection_refused);
            auto by_name = co_await connect("localhost", where.port());
            CHECK(by_name.error() == std::errc::connection_refused);
        }());
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a name that nobody has is an error of the resolver") {
    loop here;
    here.run([]() -> task<> {
        auto nobody = co_await connect("no-such-name.invalid", 80);
        REQUIRE_FALSE(nobody);
        CHECK(nobody.error().category() == tuyau::resolve_category());
    }());
}

TEST_CASE("a name with two addresses", "[.]") { // run by the next test, in a process that may lose its /etc/hosts
    char hosts[] = "/tmp/tuyau-hosts-XXXXXX";
    const int file = ::mkstemp(hosts);
    REQUIRE(file >= 0);
    tests::write_now(file, "127.0.0.1 two.test\n127.0.0.2 two.test\n");
    ::fchmod(file, 0644);
    ::close(file);
    const bool own_hosts = ::unshare(CLONE_NEWNS) == 0 &&
                           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           ::mount(hosts, "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
    ::unlink(hosts);
    if (!own_hosts) SKIP("this user cannot have an /etc/hosts of its own");
    loop here;
    here.run([]() -> task<> {
        std::uint16_t port = 0;
        for (const char* listening :
             {"127.0.0.1", "127.0.0.2"}) { // whichever is tried first, one of them is the second
            auto listener = tcp_listener::bind(endpoint(listening, 0)).value();
            port = listener.local_endpoint().value().port();
            auto connected = co_await connect("two.test", port);
            REQUIRE(connected);
            CHECK(connected->peer_endpoint().value().address() == listening);
        }
        auto nobody = co_await connect("two.test", port);
        CHECK(nobody.error() == std::errc::connection_refused);
    }());
}

TEST_CASE("a name with several addresses is tried until one answers") {
    const auto ended = tests::run({"/proc/self/exe", "a name with two addresses"});
    INFO(ended.output);
    if (ended.code == 4) SKIP("this user cannot have an /etc/hosts of its own");
    CHECK(ended.code == 0);
}

TEST_CASE("a connection that is not answered times out, and leaves no descriptor") {
    const std::size_t before = tests::open_descriptors();
    {
        loop here;
        const full_listener silent;
        const std::size_t during = tests::open_descriptors();
        here.run([](const full_listener& target) -> task<> {
            const auto start = std::chrono::steady_clock::now();
            auto late = co_await connect(target.where(), 20ms);
            REQUIRE_FALSE(late);
            CHECK(late.error() == std::errc::timed_out);
            CHECK(std::chrono::steady_clock::now() - start >= 20ms);
            auto by_name = co_await connect("127.0.0.1", target.where().port(), 20ms);
            REQUIRE_FALSE(by_name);
            CHECK(by_name.error() == std::errc::timed_out);
            CHECK(loop::current().requests().in_flight() == 0);
        }(silent));
        CHECK(tests::open_descriptors() <= during);
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("the longest time limit there is lets a connection take its time") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(anywhere).value();
        auto connected = co_await connect(listener.local_endpoint().value(), std::chrono::milliseconds::max());
        CHECK(connected);
    }());
}

TEST_CASE("a stop ends connecting, and says that it was cancelled") {
    loop here;
    const full_listener silent;
    here.run([](const full_listener& target) -> task<> {
        std::optional<result<tcp_stream>> outcome;
        tuyau::scope connecting;
        connecting.spawn([](endpoint where, std::optional<result<tcp_stream>>& to) -> task<> {
            to.emplace(co_await connect(where));
        }(target.where(), outcome));
        co_await tests::nop();
        connecting.stop();
        co_await connecting.join();
        REQUIRE(outcome);
        CHECK(tuyau::is_cancelled(outcome->error()));
    }(silent));
}

TEST_CASE("connecting may be destroyed midway, at any step, and leaks no descriptor") {
    loop here;
    const full_listener silent;
    auto answering = tcp_listener::bind(anywhere).value();
    const std::size_t before = tests::open_descriptors();
    for (int rounds = 0; rounds < 6; ++rounds) {
        here.run([](endpoint silent_one, endpoint good, int wait) -> task<> {
            auto by_address = [](endpoint where) -> task<> { co_await connect(where); };
            auto by_name = [](std::uint16_t port) -> task<> { co_await connect("localhost", port); };
            auto first = tests::loose::start(by_address(silent_one));
            auto second = tests::loose::start(by_address(good));
            auto third = tests::loose::start(by_name(silent_one.port()));
            for (int round = 0; round < wait; ++round) co_await tests::nop();
        }(silent.where(), answering.local_endpoint().value(), rounds));
        CHECK(here.requests().in_flight() == 0);
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("without a descriptor left connecting is an error value") {
    const auto outcome = tests::in_child([] {
        loop here;
        auto listener = tcp_listener::bind(anywhere).value();
        const auto where = listener.local_endpoint().value();
        const rlimit none{3, 3};
        ::setrlimit(RLIMIT_NOFILE, &none);
        return here.run([](endpoint to) -> task<int> {
            auto failed = co_await connect(to);
            co_return !failed && failed.error() == std::errc::too_many_files_open ? 0 : 1;
        }(where));
    });
    CHECK(outcome.exit_code == 0);
}
