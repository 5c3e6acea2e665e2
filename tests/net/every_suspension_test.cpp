// A program that uses each kind of operation is stopped, or destroyed, after its first resumption, its second, its third,
// … until it ends by itself: nothing may be left in flight, and no descriptor open.

#include <array>
#include <chrono>
#include <csignal>
#include <ctime>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/blocking.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::descriptor_pair;
using tuyau::endpoint;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tcp_stream;

namespace {

/// Counts resumptions, and acts at the one that was chosen.
struct steps {
    int left;
    std::function<void()> act;
    bool finished = false;
    bool wrong = false;

    /// To be called after every await.
    void step() {
        if (--left == 0) act();
    }
};

task<> echo(tcp_stream client, steps& at) {
    for (;;) {
        auto data = co_await client.receive();
        at.step();
        if (!data || data->empty()) break;
        auto sent = co_await client.send(data->text());
        at.step();
        if (!sent) break;
    }
}

task<> serve(tcp_listener& listener, int clients, steps& at) {
    scope all;
    for (int number = 0; number < clients; ++number) {
        const bool room = co_await all.fewer_than(1);
        at.step();
        if (!room) break;
        auto client = co_await listener.accept();
        at.step();
        if (!client) break;
        all.spawn(echo(std::move(*client), at));
    }
    co_await all.join();
    at.step();
}

task<result<void>> talk(tcp_stream& stream, steps& at) {
    auto sent = co_await stream.send("one\ntwo\r\n", "", "rest");
    at.step();
    if (!sent) co_return sent;
    std::array<std::byte, 2> space{};
    auto size = co_await stream.receive(space);
    at.step();
    if (!size) co_return tuyau::failure(size.error());
    tuyau::line_reader reader(stream);
    for (int line = 0; line < 2; ++line) {
        auto text = co_await reader.next();
        at.step();
        if (!text) co_return tuyau::failure(text.error());
    }
    // More than the sockets hold, while nobody reads: both ends are stuck, until the echo is read.
    const std::string much(3'000'000, 'x');
    scope sender;
    sender.spawn([](tcp_stream& to, const std::string& text, steps& when) -> task<> {
        auto done = co_await to.send(text);
        when.step();
        if (done) (void)to.shutdown_send();
    }(stream, much, at));
    for (;;) {
        auto data = co_await stream.receive();
        at.step();
        if (!data) co_return tuyau::failure(data.error());
        if (data->empty()) break;
    }
    co_await sender.join();
    at.step();
    co_return result<void>();
}

task<> clients(endpoint where, steps& at) {
    auto by_address = co_await tuyau::connect(where);
    at.step();
    if (!by_address) co_return;
    (void)by_address->shutdown_send();
    auto end = co_await by_address->receive();
    at.step();
    if (!end) co_return;
    by_address->close();
    auto by_name = co_await tuyau::connect("localhost", where.port());
    at.step();
    if (!by_name) co_return;
    auto talked = co_await tuyau::with_deadline(1h, talk(*by_name, at));
    at.step();
    (void)talked;
}

task<> local_things(steps& at) {
    auto pipe = descriptor_pair::pipe();
    scope reader;
    reader.spawn([](int fd, steps& when) -> task<> {
        std::array<std::byte, 64> space{};
        auto size = co_await tuyau::read_some(fd, space);
        when.step();
        if (size && *size != 5) when.wrong = true;
    }(pipe.first(), at));
    auto slept = co_await tuyau::sleep_for(1ms);
    at.step();
    if (!slept) co_return;
    const std::string text = "bytes";
    auto written = co_await tuyau::write_all(pipe.second(), std::as_bytes(std::span(text)));
    at.step();
    if (!written) co_return;
    co_await reader.join();
    at.step();

    tuyau::channel<int> items(1);
    scope producer;
    producer.spawn([](tuyau::channel<int>& to, steps& when) -> task<> {
        for (int item = 0; item < 4; ++item) {
            auto sent = co_await to.send(item);
            when.step();
            if (!sent) co_return;
        }
        to.close();
    }(items, at));
    for (;;) {
        auto item = co_await items.receive();
        at.step();
        if (!item) break;
        co_await tuyau::yield();
        at.step();
    }
    producer.stop();
    co_await producer.join();
    at.step();

    auto late =
        co_await tuyau::with_deadline(1ms, []() -> task<result<void>> { co_return co_await tuyau::sleep_for(1h); }());
    at.step();
    if (!late && late.error() != std::errc::timed_out) co_return;

    auto call = [] { return 7; };
    auto value = co_await tuyau::blocking(call);
    at.step();
    if (!value) co_return;
    auto addresses = co_await tuyau::resolve("localhost", 1);
    at.step();
    if (!addresses) co_return;

    tuyau::signal_set signals{SIGUSR1};
    scope raiser;
    raiser.spawn([](steps& when) -> task<> {
        co_await tests::nop();
        when.step();
        std::raise(SIGUSR1);
    }(at));
    auto number = co_await signals.next();
    at.step();
    if (!number) co_return;
    co_await raiser.join();
    at.step();
}

task<> program(steps& at) {
    auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
    scope parts;
    parts.spawn(serve(listener, 2, at));
    parts.spawn(clients(listener.local_endpoint().value(), at));
    parts.spawn(local_things(at));
    co_await parts.join();
    at.step();
    at.finished = true;
}

struct drained {
    sigset_t before;
    drained() {
        sigset_t blocked;
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &blocked, &before);
    }
    drained(const drained&) = delete;
    drained& operator=(const drained&) = delete;
    ~drained() {
        sigset_t waited;
        sigemptyset(&waited);
        sigaddset(&waited, SIGUSR1);
        const timespec now{};
        while (sigtimedwait(&waited, nullptr, &now) > 0) {}
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
};

constexpr int most_steps = 100'000;

/// Runs the program once for each of its resumptions; `once` runs it and interferes at the given one, and tells whether
/// it got that far.
void for_each_resumption(const std::function<bool(loop&, int)>& once) {
    const drained signals; // one that was raised and not received must not end the tests
    const std::size_t before = tests::open_descriptors();
    int runs = 0;
    // Bulk transfer makes for many alike; after the first ones a growing stride is enough.
    for (int step = 1; step < most_steps; step += 1 + step / 100) {
        bool interfered = false;
        {
            loop here({.ring = {.submission_entries = 8, .completion_entries = 16},
                       .buffers = {.size = 16384, .initial = 4, .most = 16}});
            interfered = once(here, step);
            here.wait_until([&] { return here.requests().in_flight() == 0; });
            CHECK(here.receive_buffers().total() <= 16);
        }
        // A thread for blocking calls gives its descriptor back in its own time.
        REQUIRE(tests::eventually([&] { return tests::open_descriptors() <= before; }));
        ++runs;
        if (!interfered) break;
    }
    CHECK(runs > 40);
}

} // namespace

TEST_CASE("a program may be stopped after each of its resumptions") {
    for_each_resumption([](loop& here, int step) {
        return here.run([](int number) -> task<bool> {
            scope whole;
            bool stopped = false;
            steps at{number, [&] {
                         stopped = true;
                         whole.stop();
                     }};
            whole.spawn(program(at));
            co_await whole.join();
            CHECK(at.finished);
            CHECK_FALSE(at.wrong);
            co_return stopped;
        }(step));
    });
}

TEST_CASE("a program may be destroyed after each of its resumptions") {
    for_each_resumption([](loop& here, int step) {
        return here.run([](int number) -> task<bool> {
            std::optional<scope> whole(std::in_place);
            bool reached = false;
            steps at{number, [&] { reached = true; }};
            whole->spawn(program(at));
            co_await tests::rounds_until([&] { return reached || whole->empty(); });
            whole.reset();
            CHECK_FALSE(at.wrong);
            co_return reached;
        }(step));
    });
}

TEST_CASE("a program may be left by an exception after each of its resumptions, while the rest of it is stopped") {
    for_each_resumption([](loop& here, int step) {
        return here.run([](int number) -> task<bool> {
            struct left_early {};
            bool thrown = false;
            scope whole;
            steps at{number, [&] {
                         thrown = true;
                         whole.stop();
                         throw left_early();
                     }};
            whole.spawn(program(at));
            try {
                co_await whole.join();
            } catch (const left_early&) {
                CHECK(thrown);
            }
            CHECK(whole.empty());
            CHECK_FALSE(at.wrong);
            co_return thrown;
        }(step));
    });
}

TEST_CASE("a loop may be destroyed under a program after each of its resumptions") {
    const drained signals;
    const std::size_t before = tests::open_descriptors();
    for (int step = 1; step < most_steps; step += 1 + step / 50) {
        bool reached = false;
        steps at{step, [&] { reached = true; }};
        {
            scope outlives;
            {
                loop here;
                here.run([](scope& whole, steps& counted, bool& there) -> task<> {
                    whole.spawn(program(counted));
                    co_await tests::rounds_until([&] { return there || whole.empty(); });
                }(outlives, at, reached));
            }
        }
        CHECK_FALSE(at.wrong);
        REQUIRE(tests::eventually([&] { return tests::open_descriptors() <= before; }));
        if (!reached) break;
    }
}
