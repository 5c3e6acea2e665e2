#include <tuyau/runtime/stream_operation.hpp>

#include <cerrno>
#include <deque>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/timer.hpp>

using tests::descriptor_pair;
using tuyau::loop;
using tuyau::scope;
using tuyau::stream_operation;
using tuyau::task;

namespace {

/// Counts how often a descriptor became readable, by multishot polls.
class readiness final : public stream_operation {
public:
    readiness(int fd, int& alive, int& armed) : fd_(fd), alive_(alive), armed_(armed) { ++alive_; }

    readable wait() noexcept { return readable(this); }
    std::deque<int> kept;
    bool rearm = true;
    int looks = 0;
    tuyau::event looked_at;

    using stream_operation::cancel;

private:
    ~readiness() override { --alive_; }
    void prepare(io_uring_sqe& sqe) noexcept override {
        ++armed_;
        io_uring_prep_poll_multishot(&sqe, fd_, POLLIN);
    }
    void keep(int outcome, unsigned) noexcept override {
        if (outcome >= 0) kept.push_back(outcome);
        if (outcome >= 0) look_later();
    }
    void look() noexcept override {
        ++looks;
        looked_at.set();
    }
    bool has_something() const noexcept override { return !kept.empty(); }
    void ended() noexcept override {
        if (rearm && wanted()) arm();
    }
    void drop() noexcept override { kept.clear(); }

    int fd_;
    int& alive_;
    int& armed_;
};

struct give_up {
    void operator()(readiness* stream) const noexcept { stream->abandon(); }
};
using owned = std::unique_ptr<readiness, give_up>;

task<> wait_on(readiness& stream, std::string& outcome) {
    const bool something = co_await stream.wait();
    outcome = something ? "something" : "nothing";
}

/// A loop, and a stream on a pipe that is empty at first.
struct fixture {
    loop here;
    descriptor_pair pipe = descriptor_pair::pipe();
    int alive = 0;
    int armed = 0;

    owned make() { return owned(new readiness(pipe.first(), alive, armed)); }
};

} // namespace

TEST_CASE("a stream is armed when somebody first waits, and once for all its completions") {
    fixture f;
    f.here.run([](fixture& all) -> task<> {
        auto stream = all.make();
        CHECK_FALSE(stream->armed());
        CHECK(all.here.requests().in_flight() == 0);
        for (int count = 0; count < 5; ++count) {
            scope writer;
            writer.spawn([](int fd) -> task<> {
                co_await tests::nop();
                tests::write_now(fd, "x");
            }(all.pipe.second()));
            const bool something = co_await stream->wait();
            CHECK(something);
            stream->kept.pop_front();
            tests::read_now(all.pipe.first(), 1);
            co_await writer.join();
        }
        CHECK(all.armed == 1);
        CHECK(stream->armed());
    }(f));
    f.here.wait_until([&] { return f.here.requests().in_flight() == 0; });
    CHECK(f.alive == 0);
}

TEST_CASE("streams that have brought something are looked at once each, when they have gone quiet") {
    constexpr std::size_t count = 200; // more than are looked at in a row
    std::vector<descriptor_pair> pipes;
    int alive = 0;
    int armed = 0;
    loop here;
    std::vector<owned> streams;
    for (std::size_t index = 0; index < count; ++index) {
        pipes.push_back(descriptor_pair::pipe());
        streams.emplace_back(new readiness(pipes.back().first(), alive, armed));
    }
    const auto bring = [&](std::size_t index) -> task<> {
        tests::write_now(pipes[index].second(), "x");
        co_await streams[index]->wait();
        streams[index]->kept.clear();
    };
    here.run([&]() -> task<> {
        for (std::size_t index = 2; index < count; ++index) co_await bring(index);
        co_await bring(0);
        streams[0].reset(); // before anybody looks
        for (std::size_t index = 2; index < count; ++index) co_await streams[index]->looked_at.wait();
        co_await bring(1);
        co_await streams[1]->looked_at.wait(); // which is later than a second look at the others would be
    }());
    for (std::size_t index = 1; index < count; ++index) CHECK(streams[index]->looks == 1);
}

TEST_CASE("a stream whose request the kernel ended is armed again for who waits, and not for nobody") {
    fixture f;
    f.here.run([](fixture& all) -> task<> {
        auto stream = all.make();
        std::string outcome;
        scope waiting;
        waiting.spawn(wait_on(*stream, outcome));
        co_await tests::nop();
        stream->cancel(); // as the kernel would end it
        co_await tests::rounds_until([&] { return all.armed == 2; });
        CHECK(outcome.empty());
        tests::write_now(all.pipe.second(), "x");
        co_await waiting.join();
        CHECK(outcome == "something");
        stream->cancel();
        co_await tests::rounds_until([&] { return !stream->armed(); });
        CHECK(all.armed == 2);
    }(f));
}

TEST_CASE("who comes to wait while the request is being ended is served by the next one") {
    fixture f;
    f.here.run([](fixture& all) -> task<> {
        auto stream = all.make();
        {
            std::string nobody;
            auto gone = tests::loose::start(wait_on(*stream, nobody));
            co_await tests::nop();
        }
        stream->cancel();
        std::string outcome;
        scope waiting;
        waiting.spawn(wait_on(*stream, outcome));
        tests::write_now(all.pipe.second(), "x");
        co_await waiting.join();
        CHECK(outcome == "something");
    }(f));
}

TEST_CASE("an abandoned stream wakes who waits, and lives until the kernel has let go of it") {
    fixture f;
    f.here.run([](fixture& all) -> task<> {
        auto stream = all.make();
        std::string outcome;
        scope waiting;
        waiting.spawn(wait_on(*stream, outcome));
        co_await tests::nop();
        stream.reset();
        CHECK(all.alive == 1);
        CHECK(all.here.requests().in_flight() == 1);
        co_await waiting.join();
        CHECK(outcome == "nothing");
        co_await tests::rounds_until([&] { return all.here.requests().in_flight() == 0; });
        CHECK(all.alive == 0);
    }(f));
}

TEST_CASE("an abandoned stream that is not armed is gone at once") {
    fixture f;
    auto stream = f.make();
    stream.reset();
    CHECK(f.alive == 0);
}

TEST_CASE("an abandoned stream lives as long as somebody holds it") {
    fixture f;
    f.here.run([](fixture& all) -> task<> {
        auto idle = all.make();
        auto armed = all.make();
        std::string outcome;
        scope waiting;
        waiting.spawn(wait_on(*armed, outcome));
        co_await tests::nop();
        {
            const stream_operation::held one(idle.get());
            const stream_operation::held other(armed.get());
            const stream_operation::held none(nullptr);
            idle.reset();
            armed.reset();
            co_await tests::rounds_until([&] { return all.here.requests().in_flight() == 0; });
            CHECK(all.alive == 2);
        }
        CHECK(all.alive == 0);
        co_await waiting.join();
    }(f));
}

TEST_CASE("a stop ends the wait and leaves the request armed for the next") {
    fixture f;
    f.here.run([](fixture& all) -> task<> {
        auto stream = all.make();
        std::string stopped;
        scope first;
        first.spawn(wait_on(*stream, stopped));
        co_await tests::nop();
        first.stop();
        co_await first.join();
        CHECK(stopped == "nothing");
        CHECK(stream->armed());
        std::string early;
        first.spawn(wait_on(*stream, early)); // in a chain that was stopped
        CHECK(early == "nothing");
        tests::write_now(all.pipe.second(), "x");
        const bool something = co_await stream->wait();
        CHECK(something);
        CHECK(all.armed == 1);
    }(f));
}

TEST_CASE("what came in the race with a stop is told") {
    fixture f;
    f.here.run([](fixture& all) -> task<> {
        auto stream = all.make();
        std::string outcome;
        scope waiting;
        waiting.spawn(wait_on(*stream, outcome));
        co_await tests::nop();
        waiting.stop();
        stream->kept.push_back(POLLIN);
        co_await waiting.join();
        CHECK(outcome == "something");
    }(f));
}

TEST_CASE("two who wait on one stream at the same time are refused") {
    const auto twice = [] {
        fixture f;
        f.here.run([](fixture& all) -> task<> {
            auto stream = all.make();
            std::string one;
            std::string other;
            scope waiting;
            waiting.spawn(wait_on(*stream, one));
            waiting.spawn(wait_on(*stream, other));
            co_await waiting.join();
        }(f));
    };
    CHECK(tests::broken_contract_of(twice) == "two coroutines wait on one stream at the same time");
}

TEST_CASE("streams are abandoned by the hundred although the submission queue holds two requests") {
    loop here({.ring = {.submission_entries = 2, .completion_entries = 4}, .buffers = {}});
    auto pipe = descriptor_pair::pipe();
    int alive = 0;
    int armed = 0;
    here.run([](loop& on, int fd, int to, int& living, int& count) -> task<> {
        std::vector<owned> streams;
        std::vector<std::string> outcomes(200);
        scope waiting;
        for (auto& each : outcomes) {
            streams.emplace_back(new readiness(fd, living, count));
            waiting.spawn(wait_on(*streams.back(), each));
        }
        co_await tests::nop();
        for (std::size_t index = 0; index < 100; ++index) streams[index].reset();
        tests::write_now(to, "x");
        for (std::size_t index = 100; index < 200; ++index) streams[index].reset();
        co_await waiting.join();
        co_await tests::rounds_until([&] { return on.requests().in_flight() == 0; });
    }(here, pipe.first(), pipe.second(), alive, armed));
    CHECK(alive == 0);
}

TEST_CASE("a loop may be destroyed while a stream is armed and waited for, and the stream after it") {
    auto pipe = descriptor_pair::pipe();
    int alive = 0;
    int armed = 0;
    std::string outcome;
    owned outlives;
    scope waiting;
    {
        loop here;
        here.run([](owned& stream, int fd, int& living, int& count, scope& all, std::string& out) -> task<> {
            stream.reset(new readiness(fd, living, count));
            all.spawn(wait_on(*stream, out));
            co_await tests::nop();
        }(outlives, pipe.first(), alive, armed, waiting, outcome));
    }
    CHECK(armed == 1); // not armed again for who still waits
    CHECK_FALSE(outlives->armed());
    outlives.reset();
    CHECK(alive == 0);
    CHECK(outcome.empty());
}
