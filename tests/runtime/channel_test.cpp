#include <tuyau/runtime/sync/channel.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::loose;
using tuyau::channel;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;

namespace {

task<> receive_one(channel<int>& from, std::vector<int>& into) {
    auto item = co_await from.receive();
    into.push_back(item ? *item : tuyau::is_cancelled(item.error()) ? -1 : -2);
}

task<> send_one(channel<int>& to, int item, std::vector<int>& outcomes) {
    auto sent = co_await to.send(item);
    outcomes.push_back(sent ? item : tuyau::is_cancelled(sent.error()) ? -1 : -2);
}

} // namespace

TEST_CASE("items come out of a channel in the order they went in") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(3);
        CHECK(items.capacity() == 3);
        for (int item = 1; item <= 3; ++item) {
            auto sent = co_await items.send(item);
            CHECK(sent);
        }
        CHECK(items.size() == 3);
        for (int item = 1; item <= 3; ++item) {
            auto received = co_await items.receive();
            CHECK(received.value() == item);
        }
        CHECK(items.size() == 0);
    }());
}

TEST_CASE("a channel is bounded: sends wait while it is full, in turn") {
    loop here;
    here.run([]() -> task<> {
        for (std::size_t capacity : {1u, 2u, 5u}) {
            channel<int> items(capacity);
            std::vector<int> sent;
            scope senders;
            for (int item = 0; item < 10; ++item) senders.spawn(send_one(items, item, sent));
            CHECK(sent.size() == capacity);
            CHECK(items.size() == capacity);
            CHECK_FALSE(items.try_send(99));
            for (int item = 0; item < 10; ++item) {
                auto received = co_await items.receive();
                CHECK(received.value() == item);
                CHECK(items.size() <= capacity);
            }
            co_await senders.join();
            CHECK(sent == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
        }
    }());
}

TEST_CASE("who waits longest receives first") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(4);
        std::vector<int> first;
        std::vector<int> second;
        std::vector<int> third;
        scope receivers;
        receivers.spawn(receive_one(items, first));
        receivers.spawn(receive_one(items, second));
        CHECK(items.try_send(1));
        CHECK(items.try_send(2));
        CHECK(items.try_send(3));
        // Those before it were woken and have not run; it must not take what they were promised.
        receivers.spawn(receive_one(items, third));
        co_await receivers.join();
        CHECK(first == std::vector{1});
        CHECK(second == std::vector{2});
        CHECK(third == std::vector{3});
    }());
}

TEST_CASE("a channel of one item passes a thousand from many producers to many consumers, each once") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(1);
        std::vector<int> seen(1000);
        scope consumers;
        for (int count = 0; count < 7; ++count) {
            consumers.spawn([](channel<int>& from, std::vector<int>& times) -> task<> {
                for (;;) {
                    auto item = co_await from.receive();
                    if (!item) break;
                    ++times[static_cast<std::size_t>(*item)];
                    if (*item % 3 == 0) co_await tuyau::yield();
                }
            }(items, seen));
        }
        scope producers;
        for (int producer = 0; producer < 10; ++producer) {
            producers.spawn([](channel<int>& to, int from) -> task<> {
                for (int item = from; item < 1000; item += 10) {
                    auto sent = co_await to.send(item);
                    CHECK(sent);
                    if (item % 7 == 0) co_await tuyau::yield();
                }
            }(items, producer));
        }
        co_await producers.join();
        items.close();
        co_await consumers.join();
        CHECK(seen == std::vector(1000, 1));
    }());
}

TEST_CASE("after close the receivers get what is left, then the end; senders fail at once") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(2);
        CHECK(items.try_send(1));
        CHECK(items.try_send(2));
        CHECK_FALSE(items.closed());
        items.close();
        items.close();
        CHECK(items.closed());
        CHECK_FALSE(items.try_send(3));
        auto sent = co_await items.send(3);
        CHECK(sent.error() == std::errc::broken_pipe);
        std::vector<int> got;
        for (int count = 0; count < 3; ++count) co_await receive_one(items, got);
        CHECK(got == std::vector{1, 2, -2});
    }());
}

TEST_CASE("close wakes those who wait to receive") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(2);
        std::vector<int> got;
        scope receivers;
        for (int count = 0; count < 3; ++count) receivers.spawn(receive_one(items, got));
        CHECK(items.try_send(5));
        items.close();
        co_await receivers.join();
        CHECK(got == std::vector{5, -2, -2});
    }());
}

TEST_CASE("close wakes those who wait to send, whose items are not taken") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(1);
        std::vector<int> outcomes;
        scope senders;
        for (int item = 0; item < 3; ++item) senders.spawn(send_one(items, item, outcomes));
        items.close();
        co_await senders.join();
        CHECK(outcomes == std::vector{0, -2, -2});
        std::vector<int> got;
        co_await receive_one(items, got);
        co_await receive_one(items, got);
        CHECK(got == std::vector{0, -2});
    }());
}

TEST_CASE("a stop ends the waiting on either side and takes no item along") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(1);
        std::vector<int> received;
        std::vector<int> sent;
        scope stopped;
        stopped.spawn(receive_one(items, received));
        scope stays;
        stays.spawn(receive_one(items, received));
        stopped.stop();
        co_await stopped.join();
        CHECK(received == std::vector{-1});
        CHECK(items.try_send(8));
        co_await stays.join();
        CHECK(received == std::vector{-1, 8});

        CHECK(items.try_send(1));
        scope senders;
        senders.spawn(send_one(items, 2, sent));
        senders.stop();
        co_await senders.join();
        CHECK(sent == std::vector{-1});
        co_await receive_one(items, received);
        CHECK(received.back() == 1);
        CHECK(items.size() == 0);
    }());
}

TEST_CASE("a receiver that was given an item before it was stopped delivers it") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(1);
        std::vector<int> got;
        scope receivers;
        receivers.spawn(receive_one(items, got));
        CHECK(items.try_send(4));
        receivers.stop();
        co_await receivers.join();
        CHECK(got == std::vector{4});
    }());
}

TEST_CASE("a receiver that is destroyed after it was woken loses no item") {
    loop here;
    here.run([]() -> task<> {
        channel<int> items(2);
        std::vector<int> got;
        auto gone = loose::start(receive_one(items, got));
        auto next = loose::start(receive_one(items, got));
        auto after = loose::start(receive_one(items, got));
        CHECK(items.try_send(1));
        CHECK(items.try_send(2));
        gone.destroy();
        co_await tests::rounds_until([&] { return next.done() && after.done(); });
        CHECK(got == std::vector{1, 2});

        auto only = loose::start(receive_one(items, got));
        CHECK(items.try_send(3));
        only.destroy();
        CHECK(items.size() == 1);
        co_await receive_one(items, got);
        CHECK(got.back() == 3);
    }());
}

TEST_CASE("a sender that is destroyed while it waits leaves nothing in the channel") {
    loop here;
    here.run([]() -> task<> {
        channel<std::unique_ptr<int>> items(1);
        CHECK(items.try_send(std::make_unique<int>(1)));
        auto send = [](channel<std::unique_ptr<int>>& to, int item) -> task<> {
            co_await to.send(std::make_unique<int>(item));
        };
        auto gone = loose::start(send(items, 2));
        auto stays = loose::start(send(items, 3));
        gone.destroy();
        auto first = co_await items.receive();
        auto second = co_await items.receive();
        CHECK(*first.value() == 1);
        CHECK(*second.value() == 3);
        CHECK(items.size() == 0);
    }());
}

TEST_CASE("an item that cannot be sent at once is left with its owner") {
    channel<std::unique_ptr<int>> items(1);
    auto item = std::make_unique<int>(1);
    CHECK(items.try_send(std::move(item)));
    auto other = std::make_unique<int>(2);
    CHECK_FALSE(items.try_send(std::move(other)));
    REQUIRE(other);
    CHECK(*other == 2);
}

TEST_CASE("a channel loses and doubles nothing, whoever is stopped or destroyed at it") {
    loop here;
    for (unsigned seed = 1; seed <= 30; ++seed) {
        here.run([](unsigned number) -> task<> {
            std::mt19937 random(number);
            channel<int> items(1 + random() % 3);
            std::vector<int> sent;
            std::vector<int> received;
            {
                scope stopped;
                scope stays;
                std::deque<loose> destroyed;
                int next = 1;
                for (int step = 0; step < 300; ++step) {
                    const bool sends = random() % 2 == 0;
                    auto one = sends ? send_one(items, next++, sent) : receive_one(items, received);
                    switch (random() % 3) {
                    case 0: stopped.spawn(std::move(one)); break;
                    case 1: stays.spawn(std::move(one)); break;
                    default:
                        // Only receivers: an item whose sender is destroyed is neither sent nor lost.
                        if (sends)
                            stays.spawn(std::move(one));
                        else
                            destroyed.push_back(loose::start(std::move(one)));
                    }
                    if (!destroyed.empty() && random() % 4 == 0) destroyed.pop_front();
                    if (random() % 3 == 0) co_await tuyau::yield();
                }
                destroyed.clear();
                stopped.stop();
                co_await stopped.join();
                // Whoever still waits is served, one way or the other.
                while (!stays.empty()) {
                    while (items.size() != 0) co_await receive_one(items, received);
                    items.close();
                    co_await tuyau::yield();
                }
                while (items.size() != 0) co_await receive_one(items, received);
            }
            std::vector<int> out;
            std::vector<int> in;
            for (int item : sent)
                if (item > 0) in.push_back(item);
            for (int item : received)
                if (item > 0) out.push_back(item);
            std::sort(in.begin(), in.end());
            std::sort(out.begin(), out.end());
            CHECK(in == out);
        }(seed));
    }
}
