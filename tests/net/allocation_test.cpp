// No allocation per operation, completion or request once warm: in a program of its own, which counts the calls of
// operator new.

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"
#include "support/allocations.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::descriptor_pair;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;

namespace {

constexpr int many = 10'000;

/// Allocations of `rounds` calls of `make()`, which gives a task, after some that warm everything up.
template <class Make>
std::size_t allocations_of(int rounds, Make make) {
    loop here;
    return here.run([](int count, Make& work) -> task<std::size_t> {
        for (int round = 0; round < 100; ++round) co_await work();
        const std::size_t before = tests::allocations();
        for (int round = 0; round < count; ++round) co_await work();
        co_return tests::allocations() - before;
    }(rounds, make));
}

task<> echo_once(tcp_stream& one, tcp_stream& other) {
    auto sent = co_await one.send("some ", "bytes");
    auto data = co_await other.receive();
    if (!sent || !data || data->text() != "some bytes") throw std::runtime_error("the bytes did not arrive");
}

} // namespace

TEST_CASE("the counter counts") {
    const std::size_t before = tests::allocations();
    auto one = std::make_unique<int>(1);
    CHECK(tests::allocations() == before + 1);
}

TEST_CASE("ten thousand requests allocate nothing") {
    const auto make = []() -> task<> {
        auto done = co_await tests::nop();
        if (!done) throw std::runtime_error("a request failed");
    };
    CHECK(allocations_of(many, make) == 0);
}

TEST_CASE("ten thousand reads and writes of a pipe allocate nothing") {
    auto pipe = descriptor_pair::pipe();
    const auto make = [&pipe]() -> task<> {
        const std::string_view text = "some bytes";
        auto written = co_await tuyau::write_all(pipe.second(), std::as_bytes(std::span(text)));
        std::byte space[64];
        auto read = co_await tuyau::read_some(pipe.first(), space);
        if (!written || !read || *read != 10) throw std::runtime_error("the bytes did not arrive");
    };
    CHECK(allocations_of(many, make) == 0);
}

TEST_CASE("ten thousand sends and receives allocate nothing, over a socket pair and over TCP") {
    for (const bool tcp : {false, true}) {
        auto pair = tcp ? descriptor_pair::tcp() : descriptor_pair::sockets();
        tcp_stream one(pair.take_first());
        tcp_stream other(pair.take_second());
        CHECK(allocations_of(many, [&] { return echo_once(one, other); }) == 0);
        one.close();
        other.close();
    }
}

TEST_CASE("ten thousand receives into memory allocate nothing") {
    auto pair = descriptor_pair::tcp();
    tcp_stream one(pair.take_first());
    tcp_stream other(pair.take_second());
    const auto make = [&]() -> task<> {
        auto sent = co_await one.send("bytes");
        std::byte space[64];
        auto size = co_await other.receive(space);
        if (!sent || !size || *size != 5) throw std::runtime_error("the bytes did not arrive");
    };
    CHECK(allocations_of(many, make) == 0);
    one.close();
    other.close();
}

TEST_CASE("streams that run out of buffers and are held back allocate nothing either") {
    loop here(
        {.ring = {.submission_entries = 8, .completion_entries = 8}, .buffers = {.size = 16, .initial = 2, .most = 2}});
    auto pair = descriptor_pair::tcp();
    const std::size_t count = here.run([](descriptor_pair& ends) -> task<std::size_t> {
        tcp_stream one(ends.take_first());
        tcp_stream other(ends.take_second());
        const std::string text(200, 'x');
        std::size_t before = 0;
        for (int round = 0; round < 1100; ++round) {
            if (round == 100) before = tests::allocations();
            auto sent = co_await one.send(text);
            if (!sent) throw std::runtime_error("not sent");
            for (std::size_t got = 0; got < text.size();) {
                auto data = co_await other.receive();
                if (!data || data->empty()) throw std::runtime_error("not received");
                got += data->size();
            }
        }
        co_return tests::allocations() - before;
    }(pair));
    CHECK(count == 0);
}

TEST_CASE("sleeps, yields and deadlines allocate nothing") {
    CHECK(allocations_of(many, []() -> task<> {
              auto slept = co_await tuyau::sleep_for(0s);
              co_await tuyau::yield();
              auto done =
                  co_await tuyau::with_deadline(1h, []() -> task<result<int>> { co_return co_await tests::nop(); }());
              if (!slept || !done) throw std::runtime_error("something failed");
          }) == 0);
    CHECK(allocations_of(200, []() -> task<> {
              auto slept = co_await tuyau::sleep_for(1us);
              auto late = co_await tuyau::with_deadline(
                  1us, []() -> task<result<void>> { co_return co_await tuyau::sleep_for(1h); }());
              if (!slept || late) throw std::runtime_error("something went wrong");
          }) == 0);
}

TEST_CASE("spawning, joining and stopping children allocate nothing") {
    CHECK(allocations_of(many / 10, []() -> task<> {
              scope children;
              for (int child = 0; child < 10; ++child) children.spawn([]() -> task<> { co_await tests::nop(); }());
              co_await children.join();
              for (int child = 0; child < 10; ++child) {
                  const bool room = co_await children.fewer_than(5);
                  if (!room) throw std::runtime_error("no room");
                  children.spawn([]() -> task<> { co_await tests::nop(); }());
              }
              co_await children.join();
              children.spawn([]() -> task<> { co_await tuyau::sleep_for(1h); }());
              children.stop();
              co_await children.join();
          }) == 0);
}

TEST_CASE("passing ten thousand items through a channel allocates nothing") {
    tuyau::channel<int> items(2);
    CHECK(allocations_of(many / 10, [&items]() -> task<> {
              scope producer;
              producer.spawn([](tuyau::channel<int>& to) -> task<> {
                  for (int item = 0; item < 10; ++item) co_await to.send(item);
              }(items));
              for (int item = 0; item < 10; ++item) {
                  auto received = co_await items.receive();
                  if (!received || *received != item) throw std::runtime_error("out of order");
              }
              co_await producer.join();
          }) == 0);
}

TEST_CASE("connections that are made, used and closed allocate nothing, although some always wait to be accepted") {
    auto listener = tuyau::tcp_listener::bind(tuyau::endpoint("127.0.0.1", 0)).value();
    const auto where = listener.local_endpoint().value();
    std::vector<tcp_stream> waiting;
    waiting.reserve(16);
    const auto make = [&]() -> task<> {
        while (waiting.size() < 3) {
            auto client = co_await tuyau::connect(where);
            if (!client) throw std::runtime_error("not connected");
            waiting.push_back(std::move(*client));
        }
        auto server = co_await listener.accept();
        if (!server) throw std::runtime_error("not accepted");
        co_await echo_once(*server, waiting.front());
        waiting.erase(waiting.begin());
    };
    CHECK(allocations_of(2500, make) == 0); // more than a listener keeps ready
    waiting.clear();
    listener.close();
}
