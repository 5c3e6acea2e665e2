// Each kind of wait on its own: a small program that uses it is stopped, or destroyed, or loses its loop, while it is
// suspended for the first time, the second, the third, … until it ends by itself. Afterwards nothing is in flight, no
// descriptor is open that was not before, and the loop serves a program that follows.

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/blocking.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/interval.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/sync/latch.hpp>
#include <tuyau/runtime/sync/mutex.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>
#include <tuyau/runtime/workers.hpp>

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

/// Where a program runs: counts its resumptions, and tells when it is to be interfered with.
class course {
public:
    course(int resumptions, tuyau::workers& other_loops) : cores(other_loops), left_(resumptions) {}

    /// To be called after every await.
    void step() noexcept {
        if (left_ > 0) --left_;
    }
    bool reached() const noexcept { return left_ == 0; }

    tuyau::workers& cores;

private:
    int left_;
};

using program = task<> (*)(course&);

task<> sleeps(course& at) {
    for (const auto length : {0ms, 1ms, 2ms}) {
        co_await tuyau::sleep_for(length);
        at.step();
    }
}

task<> ticks(course& at) {
    tuyau::interval often(1ms);
    for (int time = 0; time < 3; ++time) {
        auto passed = co_await often.next();
        at.step();
        if (!passed) co_return;
    }
}

task<> yields(course& at) {
    for (int time = 0; time < 5; ++time) {
        co_await tuyau::yield();
        at.step();
    }
}

task<> makes_requests(course& at) {
    for (int time = 0; time < 3; ++time) {
        co_await tests::nop();
        at.step();
    }
}

/// Reads and writes more than a pipe holds, so that either end waits for the other.
task<> pipes(course& at) {
    auto pipe = descriptor_pair::pipe();
    scope both;
    both.spawn([](int fd, course& when) -> task<> {
        const std::vector<std::byte> bytes(200'000);
        co_await tuyau::write_all(fd, bytes);
        when.step();
    }(pipe.second(), at));
    std::vector<std::byte> space(65536);
    for (std::size_t left = 200'000; left != 0;) {
        auto size = co_await tuyau::read_some(pipe.first(), space);
        at.step();
        if (!size) break;
        left -= static_cast<std::size_t>(*size);
    }
    co_await both.join();
    at.step();
}

task<> accept_three(tcp_listener& listener, course& at) {
    for (int client = 0; client < 3; ++client) {
        auto accepted = co_await listener.accept();
        at.step();
        if (!accepted) co_return;
        auto end = co_await accepted->receive();
        at.step();
    }
}

task<> connect_three(endpoint where, course& at) {
    for (int client = 0; client < 3; ++client) {
        auto connected = co_await tuyau::connect(where);
        at.step();
        if (!connected) co_return;
        (void)connected->shutdown_send();
        auto end = co_await connected->receive();
        at.step();
    }
}

task<> accepts_and_connects(course& at) {
    auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
    scope both;
    both.spawn(connect_three(listener.local_endpoint().value(), at));
    both.spawn(accept_three(listener, at));
    co_await both.join();
    at.step();
}

task<> connects_by_name(course& at) {
    auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
    auto connected = co_await tuyau::connect("localhost", listener.local_endpoint().value().port());
    at.step();
}

task<> talks(tcp_stream one, course& at) {
    auto sent = co_await one.send("one piece");
    at.step();
    if (!sent) co_return;
    sent = co_await one.send("three ", "pieces, ", "of a kind");
    at.step();
    if (!sent) co_return;
    const std::string large(2'000'000, 'x');
    std::array<iovec, 2> pieces{{{const_cast<char*>(large.data()), large.size()}, {nullptr, 0}}};
    sent = co_await one.send(std::span<iovec>(pieces));
    at.step();
    (void)one.shutdown_send();
    auto end = co_await one.receive();
    at.step();
}

task<> receives_leases(tcp_stream other, course& at) {
    for (;;) {
        auto data = co_await other.receive();
        at.step();
        if (!data || data->empty()) co_return;
    }
}

task<> receives_into_memory(tcp_stream other, course& at) {
    std::vector<std::byte> space(100'000);
    for (;;) {
        auto size = co_await other.receive(space);
        at.step();
        if (!size || *size == 0) co_return;
    }
}

template <task<> (*Receives)(tcp_stream, course&)>
task<> streams(course& at) {
    auto pair = descriptor_pair::tcp();
    scope both;
    both.spawn(Receives(tcp_stream(pair.take_second()), at));
    both.spawn(talks(tcp_stream(pair.take_first()), at));
    co_await both.join();
    at.step();
}

task<> resolves(course& at) {
    auto found = co_await tuyau::resolve("localhost", 1);
    at.step();
    if (!found) co_return;
    found = co_await tuyau::resolve("127.0.0.1", 1);
    at.step();
}

task<> blocks(course& at) {
    for (int time = 0; time < 2; ++time) {
        auto call = [held = std::make_shared<int>(7)] { return *held; };
        auto value = co_await tuyau::blocking(std::move(call));
        at.step();
        if (!value) co_return;
    }
}

task<> receives_signals(course& at) {
    tuyau::signal_set signals{SIGUSR1};
    scope raiser;
    raiser.spawn([](course& when) -> task<> {
        co_await tests::nop();
        when.step();
        ::raise(SIGUSR1);
    }(at));
    co_await signals.next();
    at.step();
    co_await raiser.join();
    at.step();
}

template <class Channel>
task<> passes_items(course& at) {
    Channel items(1);
    scope sender;
    sender.spawn([](Channel& to, course& when) -> task<> {
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
    }
    sender.stop();
    co_await sender.join();
    at.step();
}

/// Each waits for what the other does next.
template <class Event>
task<> sets_events(course& at) {
    std::array<Event, 2> events;
    scope other;
    other.spawn([](std::array<Event, 2>& both, course& when) -> task<> {
        auto came = co_await both[0].wait();
        when.step();
        if (came) both[1].set();
    }(events, at));
    co_await tuyau::yield();
    at.step();
    events[0].set();
    co_await events[1].wait();
    at.step();
    co_await other.join();
    at.step();
}

template <class Latch>
task<> counts_down(course& at) {
    Latch all(3);
    scope others;
    for (int other = 0; other < 2; ++other) {
        others.spawn([](Latch& arrived, course& when) -> task<> {
            co_await tuyau::yield();
            when.step();
            co_await arrived.arrive_and_wait();
            when.step();
        }(all, at));
    }
    co_await all.arrive_and_wait();
    at.step();
    co_await others.join();
    at.step();
}

template <class Semaphore>
task<> shares_units(course& at) {
    Semaphore units(1);
    scope users;
    for (int user = 0; user < 3; ++user) {
        users.spawn([](Semaphore& shared, course& when) -> task<> {
            auto unit = co_await shared.acquire();
            when.step();
            if (!unit) co_return;
            co_await tuyau::yield();
            when.step();
            shared.release();
        }(units, at));
    }
    co_await users.join();
    at.step();
}

template <class Mutex>
task<> locks(course& at) {
    Mutex gate;
    scope users;
    for (int user = 0; user < 3; ++user) {
        users.spawn([](Mutex& shared, course& when) -> task<> {
            auto held = co_await shared.lock();
            when.step();
            if (!held) co_return;
            co_await tuyau::yield();
            when.step();
        }(gate, at));
    }
    co_await users.join();
    at.step();
}

task<> nap(course& at) {
    co_await tuyau::sleep_for(1ms);
    at.step();
}

task<result<void>> sleep_long() { co_return co_await tuyau::sleep_for(1h); }

task<> spawns(course& at) {
    scope children(2);
    for (int child = 0; child < 4; ++child) {
        auto spawned = co_await children.spawn_bounded(nap(at));
        at.step();
        if (!spawned) break;
    }
    const bool room = co_await children.fewer_than(1);
    at.step();
    if (room) children.spawn(nap(at));
    co_await children.join();
    at.step();
}

task<> waits_for_all(course& at) {
    co_await tuyau::when_all(nap(at), nap(at), yields(at));
    at.step();
}

task<> waits_for_any(course& at) {
    auto first =
        co_await tuyau::when_any(sleep_long(), []() -> task<result<int>> { co_return co_await tests::nop(); }());
    at.step();
    (void)first;
}

task<> keeps_deadlines(course& at) {
    co_await tuyau::with_deadline(1h, nap(at));
    at.step();
    co_await tuyau::with_deadline(1ms, sleep_long());
    at.step();
    tuyau::deadline moved(1h);
    auto moving = [](tuyau::deadline& limit, course& when) -> task<> {
        co_await tuyau::yield();
        when.step();
        limit.expires_after(1ms);
        co_await tuyau::sleep_for(1h);
        when.step();
    };
    co_await tuyau::with_deadline(moved, moving(moved, at));
    at.step();
}

task<> obeys_tokens(course& at) {
    std::stop_source source;
    scope stopper;
    stopper.spawn([](std::stop_source& stops, course& when) -> task<> {
        co_await tuyau::sleep_for(1ms);
        when.step();
        stops.request_stop();
    }(source, at));
    co_await tuyau::with_stop(source.get_token(), sleep_long());
    at.step();
    co_await stopper.join();
    at.step();
}

task<> shields(course& at) {
    co_await tuyau::shield(nap(at));
    at.step();
    co_await tests::nop();
    at.step();
}

task<int> there_and_back(tuyau::loop_handle home) {
    auto value = []() -> task<int> {
        co_await tuyau::sleep_for(100us);
        co_return 7;
    };
    const int given = co_await tuyau::run_on(std::move(home), value);
    co_await tests::nop();
    co_return given;
}

task<> runs_elsewhere(course& at) {
    auto call = [home = loop::current().handle()] { return there_and_back(home); };
    for (int time = 0; time < 2; ++time) {
        co_await tuyau::run_on(at.cores[0], call);
        at.step();
    }
    co_await tuyau::run_on(at.cores[1], there_and_back(loop::current().handle()));
    at.step();
}

task<> runs_on_each(course& at) {
    auto work = [](std::size_t) -> task<> { co_await tuyau::sleep_for(100us); };
    co_await at.cores.run_on_each(work);
    at.step();
}

struct named_program {
    const char* name;
    program run;
    bool leaves_the_loop = false; // so that its own loop must not end first
};

const named_program programs[] = {
    {"sleep", sleeps},
    {"interval", ticks},
    {"yield", yields},
    {"operation", makes_requests},
    {"read and write", pipes},
    {"accept and connect", accepts_and_connects},
    {"connect by name", connects_by_name},
    {"send and receive leases", streams<receives_leases>},
    {"send and receive into memory", streams<receives_into_memory>},
    {"resolve", resolves},
    {"blocking", blocks},
    {"signals", receives_signals},
    {"channel", passes_items<tuyau::channel<int>>},
    {"concurrent channel", passes_items<tuyau::concurrent::channel<int>>},
    {"event", sets_events<tuyau::event>},
    {"concurrent event", sets_events<tuyau::concurrent::event>},
    {"latch", counts_down<tuyau::latch>},
    {"concurrent latch", counts_down<tuyau::concurrent::latch>},
    {"semaphore", shares_units<tuyau::semaphore>},
    {"concurrent semaphore", shares_units<tuyau::concurrent::semaphore>},
    {"mutex", locks<tuyau::mutex>},
    {"concurrent mutex", locks<tuyau::concurrent::mutex>},
    {"scope", spawns},
    {"when_all", waits_for_all},
    {"when_any", waits_for_any},
    {"deadline", keeps_deadlines},
    {"stop token", obeys_tokens},
    {"shield", shields},
    {"run_on", runs_elsewhere, true},
    {"run_on_each", runs_on_each, true},
};

/// SIGUSR1 is blocked meanwhile, and dropped at the end: one that nobody received must not end the tests.
class signals_kept {
public:
    signals_kept() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    }
    signals_kept(const signals_kept&) = delete;
    signals_kept& operator=(const signals_kept&) = delete;
    ~signals_kept() {
        const timespec now{};
        while (sigtimedwait(&signals_, nullptr, &now) > 0) {}
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t signals_;
    sigset_t before_;
};

/// What a loop is still good for after the program before was cut short.
task<> follows() {
    auto pair = descriptor_pair::tcp();
    tcp_stream one(pair.take_first());
    tcp_stream other(pair.take_second());
    auto sent = co_await one.send("still here");
    auto data = co_await tuyau::with_deadline(
        1min, [](tcp_stream& from) -> task<result<tuyau::buffer>> { co_return co_await from.receive(); }(other));
    auto slept = co_await tuyau::sleep_for(1us);
    REQUIRE(sent);
    REQUIRE(data);
    CHECK(data->text() == "still here");
    CHECK(slept);
}

constexpr int most_steps = 10'000;

/// Runs each program once for each of its suspensions; `once` runs it and interferes at the given one, and tells whether
/// it got that far.
template <class Once>
void for_each_suspension(bool loop_ends_first, Once once) {
    const signals_kept kept;
    tuyau::workers cores({.count = 2});
    for (const named_program& each : programs) {
        if (loop_ends_first && each.leaves_the_loop) continue;
        INFO(each.name);
        const std::size_t before = tests::open_descriptors();
        bool reached = true;
        // After the first ones, which a bulk transfer has many of alike, a growing stride is enough.
        for (int step = 0; reached && step < most_steps; step += 1 + step / 30) {
            INFO("suspension " << step);
            course at(step, cores);
            reached = once(at, each.run);
            // A thread for blocking calls gives its descriptor back in its own time.
            REQUIRE(tests::eventually([&] { return tests::open_descriptors() <= before; }));
        }
        CHECK_FALSE(reached);
    }
}

tuyau::loop_options small_queues() {
    return {.ring = {.submission_entries = 8, .completion_entries = 16},
            .buffers = {.size = 16384, .initial = 4, .most = 16}};
}

/// Starts the program, lets `interfere` end it while it is suspended, and uses the loop again.
template <class Interfere>
bool run_and_end(course& at, program start, Interfere interfere) {
    loop here(small_queues());
    const bool reached = here.run([](course& counted, program begin, Interfere& end) -> task<bool> {
        std::optional<scope> whole(std::in_place);
        whole->spawn(begin(counted));
        co_await tests::rounds_until([&] { return counted.reached() || whole->empty(); });
        const bool midway = !whole->empty();
        end(whole);
        if (whole) co_await whole->join();
        co_return midway;
    }(at, start, interfere));
    here.wait_until([&] { return here.requests().in_flight() == 0; });
    here.run(follows());
    return reached;
}

} // namespace

TEST_CASE("every kind of wait may be stopped at each of its suspensions") {
    for_each_suspension(false, [](course& at, program start) {
        return run_and_end(at, start, [](std::optional<scope>& whole) { whole->stop(); });
    });
}

TEST_CASE("every kind of wait may be destroyed at each of its suspensions") {
    for_each_suspension(false, [](course& at, program start) {
        return run_and_end(at, start, [](std::optional<scope>& whole) { whole.reset(); });
    });
}

TEST_CASE("every kind of wait may be stopped, and destroyed before the stop has come through") {
    for_each_suspension(false, [](course& at, program start) {
        return run_and_end(at, start, [](std::optional<scope>& whole) {
            whole->stop();
            whole.reset();
        });
    });
}

TEST_CASE("every kind of wait within a loop may lose its loop at each of its suspensions") {
    for_each_suspension(true, [](course& at, program start) {
        scope outlives;
        loop here(small_queues());
        return here.run([](scope& whole, course& counted, program begin) -> task<bool> {
            whole.spawn(begin(counted));
            co_await tests::rounds_until([&] { return counted.reached() || whole.empty(); });
            co_return !whole.empty();
        }(outlives, at, start));
    });
}
