// Streams and the buffers that they share: leases, shortage, and what comes home.

#include <tuyau/net/tcp_stream.hpp>

#include <cstddef>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tcp_stream_helpers.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using namespace tests;
using tuyau::buffer;
using tuyau::loop;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;

TEST_CASE("a hundred streams share one, two or eight buffers, and every byte arrives") {
    for (unsigned count : {1u, 2u, 8u}) {
        loop here({.ring = {}, .buffers = {.size = 100, .initial = count, .most = count}});
        std::vector<descriptor_pair> pairs;
        for (int number = 0; number < 100; ++number) pairs.push_back(descriptor_pair::tcp());
        std::vector<std::string> received(pairs.size());
        here.run([](std::vector<descriptor_pair>& ends, std::vector<std::string>& into) -> task<> {
            std::vector<tcp_stream> streams;
            for (auto& each : ends) streams.emplace_back(each.take_first());
            scope readers;
            for (std::size_t index = 0; index < ends.size(); ++index)
                readers.spawn(receive_until_end(streams[index], into[index]));
            for (int part = 0; part < 5; ++part) {
                for (std::size_t index = 0; index < ends.size(); ++index) {
                    const std::string text = numbered(300) + std::to_string(index);
                    tests::write_now(ends[index].second(), text);
                }
                co_await tests::nop();
            }
            for (auto& each : ends) ::close(each.take_second());
            co_await readers.join();
        }(pairs, received));
        for (std::size_t index = 0; index < pairs.size(); ++index) {
            std::string expected;
            for (int part = 0; part < 5; ++part) expected += numbered(300) + std::to_string(index);
            REQUIRE(received[index] == expected);
        }
        CHECK(here.receive_buffers().total() == count);
    }
}

TEST_CASE("a tiny completion queue is flooded by many streams, and every byte arrives") {
    for (unsigned entries : {8u, 16u, 64u}) {
        loop here({.ring = {.submission_entries = 8, .completion_entries = entries},
                   .buffers = {.size = 128, .initial = 512, .most = 4096}});
        std::vector<descriptor_pair> pairs;
        for (int number = 0; number < 100; ++number) pairs.push_back(descriptor_pair::tcp());
        std::vector<std::string> received(pairs.size());
        const std::string part = numbered(1000);
        here.run(
            [](std::vector<descriptor_pair>& ends, std::vector<std::string>& into, const std::string& text) -> task<> {
                std::vector<tcp_stream> streams;
                for (auto& each : ends) streams.emplace_back(each.take_first());
                scope readers;
                for (std::size_t index = 0; index < ends.size(); ++index)
                    readers.spawn(receive_until_end(streams[index], into[index]));
                for (int round = 0; round < 10; ++round) {
                    co_await tests::nop();
                    for (auto& each : ends) tests::write_now(each.second(), text);
                }
                for (auto& each : ends) ::close(each.take_second());
                co_await readers.join();
            }(pairs, received, part));
        std::string expected;
        for (int round = 0; round < 10; ++round) expected += part;
        for (const std::string& each : received) REQUIRE(each == expected);
        CHECK(here.requests().counts().overflows > 0);
    }
}

TEST_CASE("a fast sender is held back while nobody reads, and nothing of what it sent is lost") {
    loop here({.ring = {}, .buffers = {.size = 1024, .initial = 1024, .most = 4096}});
    auto pair = descriptor_pair::tcp();
    const std::string text = numbered(30'000'000);
    here.run([](loop& on, descriptor_pair& ends, const std::string& all) -> task<> {
        tcp_stream stream(ends.take_first());
        std::string received;
        std::size_t sent = send_now(ends.second(), std::string_view(all).substr(0, 1));
        auto first = co_await stream.receive(); // from here on the kernel brings what comes without being asked
        received += first.value().text();
        first->release();
        for (int idle = 0; idle < 1000; ++idle) {
            const std::size_t size = send_now(ends.second(), std::string_view(all).substr(sent));
            sent += size;
            idle = size != 0 ? 0 : idle;
            co_await tests::nop();
        }
        CHECK(sent < all.size()); // it was held back
        // With a small part of what there is, unless the kernel receives without being entered.
        const auto& ring = on.requests();
        const bool in_one_go = ring.uses(tuyau::feature::multishot_receive) && ring.uses(tuyau::feature::buffer_ring) &&
                               !ring.uses(tuyau::feature::defer_taskrun);
        if (!in_one_go) CHECK(on.receive_buffers().available() >= 1024 - 256);
        CHECK(on.requests().in_flight() == 0);
        std::thread rest([&, fd = ends.take_second()] {
            tests::write_now(fd, std::string_view(all).substr(sent));
            ::close(fd);
        });
        co_await receive_until_end(stream, received);
        rest.join();
        CHECK(received == all);
    }(here, pair, text));
}

TEST_CASE("streams that nobody reads hold back nobody else, however few buffers there are") {
    for (unsigned count : {2u, 8u, 64u}) {
        loop here({.ring = {}, .buffers = {.size = 512, .initial = count, .most = count}});
        auto good = descriptor_pair::tcp();
        std::vector<descriptor_pair> stalled;
        for (int number = 0; number < 20; ++number) stalled.push_back(descriptor_pair::tcp());
        here.run([](loop& on, descriptor_pair& quick, std::vector<descriptor_pair>& slow) -> task<> {
            const std::string flood = numbered(200'000);
            std::vector<tcp_stream> streams;
            for (auto& each : slow) {
                streams.emplace_back(each.take_first());
                tests::write_now(each.second(), "!");
            }
            for (tcp_stream& each : streams) {
                auto data = co_await each.receive();
                CHECK(data.value().text() == "!");
            }
            std::vector<std::size_t> sent;
            for (auto& each : slow) sent.push_back(send_now(each.second(), flood));
            for (int round = 0; round < 20; ++round) co_await tests::nop();

            tcp_stream stream(quick.take_first());
            for (int number = 0; number < 100; ++number) {
                const std::string question = "question " + std::to_string(number);
                tests::write_now(quick.second(), question);
                auto data = co_await tuyau::with_deadline(30s, receive_from(stream));
                REQUIRE(data);
                REQUIRE(data->text() == question);
            }
            CHECK(on.receive_buffers().total() <= 64);

            // And nothing of what the others sent is lost.
            for (std::size_t index = 0; index < slow.size(); ++index) {
                ::shutdown(slow[index].second(), SHUT_WR);
                std::string received;
                co_await receive_until_end(streams[index], received);
                REQUIRE(received == flood.substr(0, sent[index]));
            }
        }(here, good, stalled));
    }
}

TEST_CASE("what a closed stream had unread goes home, and the next streams use it") {
    loop here({.ring = {}, .buffers = {.size = 64, .initial = 4, .most = 4}});
    for (int count = 0; count < 20; ++count) {
        auto pair = descriptor_pair::tcp();
        here.run([](loop& on, descriptor_pair& ends) -> task<> {
            tcp_stream stream(ends.take_first());
            tests::write_now(ends.second(), "read");
            auto data = co_await stream.receive();
            CHECK(data.value().text() == "read");
            data->release();
            co_await tests::rounds_until([&] { return on.receive_buffers().available() == 4; });
            tests::write_now(ends.second(), "unread");
            co_await tests::rounds_until([&] { return on.receive_buffers().available() < 4; });
            stream.close();
            co_await tests::rounds_until([&] { return on.requests().in_flight() == 0; });
            CHECK(on.receive_buffers().available() == 4);
        }(here, pair));
    }
}

TEST_CASE("a lease is kept, unchanged, while the same stream and others go on") {
    loop here({.ring = {}, .buffers = {.size = 64, .initial = 4, .most = 4}});
    auto kept = descriptor_pair::tcp();
    auto other = descriptor_pair::tcp();
    here.run([](descriptor_pair& one, descriptor_pair& two) -> task<> {
        tcp_stream first(one.take_first());
        tcp_stream second(two.take_first());
        tests::write_now(one.second(), "kept");
        auto lease = co_await first.receive();
        for (int count = 0; count < 100; ++count) {
            const std::string text = std::to_string(count);
            tests::write_now(one.second(), text);
            auto same = co_await first.receive();
            CHECK(same.value().text() == text);
            tests::write_now(two.second(), text);
            auto else_where = co_await second.receive();
            CHECK(else_where.value().text() == text);
        }
        CHECK(lease.value().text() == "kept");
    }(kept, other));
}

TEST_CASE("streams that wait for a lease to come home go on when it does") {
    loop here({.ring = {}, .buffers = {.size = 64, .initial = 1, .most = 1}});
    auto pair = descriptor_pair::tcp();
    auto other = descriptor_pair::tcp();
    here.run([](descriptor_pair& one, descriptor_pair& two) -> task<> {
        tcp_stream first(one.take_first());
        tcp_stream second(two.take_first());
        tests::write_now(one.second(), "leased");
        auto lease = co_await first.receive();
        REQUIRE(lease);
        tests::write_now(two.second(), "waits");
        auto starved = co_await tuyau::with_deadline(5ms, receive_from(second));
        CHECK(starved.error() == std::errc::timed_out);
        std::string received;
        scope reader;
        reader.spawn(note(receive_from(second), received));
        for (int round = 0; round < 5; ++round) co_await tests::nop();
        CHECK(received.empty());
        lease->release();
        co_await reader.join();
        CHECK(received == "data");
    }(pair, other));
}

TEST_CASE("a stream that waits for a buffer may be closed, stopped and destroyed") {
    loop here({.ring = {}, .buffers = {.size = 64, .initial = 1, .most = 1}});
    auto pair = descriptor_pair::tcp();
    auto other = descriptor_pair::tcp();
    here.run([](descriptor_pair& one, descriptor_pair& two) -> task<> {
        tcp_stream first(one.take_first());
        tests::write_now(one.second(), "leased");
        auto lease = co_await first.receive();
        tests::write_now(two.second(), "more");
        {
            tcp_stream second(two.take_first());
            std::string received;
            auto reader = tests::loose::start(note(receive_from(second), received));
            for (int round = 0; round < 5; ++round) co_await tests::nop();
        }
        lease->release();
        tests::write_now(one.second(), "again");
        auto data = co_await first.receive();
        CHECK(data.value().text() == "again");
    }(pair, other));
}

TEST_CASE("a loop may be destroyed while its streams are armed, kept full and waited for, and they after it") {
    const std::size_t before = tests::open_descriptors();
    {
        auto idle = descriptor_pair::tcp();
        auto full = descriptor_pair::tcp();
        auto busy = descriptor_pair::tcp();
        const std::string much(20'000'000, 'x');
        tcp_stream first(idle.take_first());
        tcp_stream second(full.take_first());
        tcp_stream third(busy.take_first());
        std::string outcome;
        scope waiting;
        {
            loop here;
            here.run([](descriptor_pair& pair, tcp_stream& armed, tcp_stream& kept, tcp_stream& sending,
                        const std::string& text, scope& all, std::string& out) -> task<> {
                all.spawn(note(receive_from(armed), out));
                all.spawn(
                    [](tcp_stream& to, const std::string& bytes) -> task<> { co_await to.send(bytes); }(sending, text));
                tests::write_now(pair.second(), "one");
                auto data = co_await kept.receive();
                CHECK(data);
                tests::write_now(pair.second(), "two");
                for (int round = 0; round < 5; ++round) co_await tests::nop();
            }(full, first, second, third, much, waiting, outcome));
        }
        loop next; // another one, with buffers of its own
        auto pair = descriptor_pair::tcp();
        second.close();
        next.run([](descriptor_pair& ends) -> task<> {
            tcp_stream stream(ends.take_first());
            const auto available = loop::current().receive_buffers().available();
            tests::write_now(ends.second(), "three");
            auto data = co_await stream.receive();
            CHECK(data.value().text() == "three");
            CHECK(available == loop::current().receive_buffers().total());
        }(pair));
        CHECK(outcome.empty());
    }
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a stream that waits for bytes holds no buffer, in whatever way it waits") {
    const tuyau::feature_set without = GENERATE(from_range(tests::every_way()));
    loop here({.ring = {.without = without}, .buffers = {.size = 64, .initial = 1, .most = 1}});
    auto idle = descriptor_pair::tcp();
    auto busy = descriptor_pair::tcp();
    here.run([](descriptor_pair& one, descriptor_pair& two) -> task<> {
        tcp_stream silent(one.take_first());
        tcp_stream stream(two.take_first());
        std::string outcome;
        scope waiting;
        waiting.spawn(note(receive_from(silent), outcome));
        for (int count = 0; count < 10; ++count) {
            const std::string text = std::to_string(count);
            tests::write_now(two.second(), text);
            auto data = co_await stream.receive();
            CHECK(data.value().text() == text);
        }
        CHECK(outcome.empty());
        tests::write_now(one.second(), "at last");
        co_await waiting.join();
        CHECK(outcome == "data");
    }(idle, busy));
}

TEST_CASE("a stream that is closed while bytes are on their way gives every buffer back, in whatever way it receives") {
    const tuyau::feature_set without = GENERATE(from_range(tests::every_way()));
    loop here({.ring = {.without = without}, .buffers = {.size = 64, .initial = 4, .most = 4}});
    for (int rounds = 0; rounds < 6; ++rounds) {
        auto pair = descriptor_pair::tcp();
        here.run([](loop& on, descriptor_pair& ends, int when) -> task<> {
            {
                tcp_stream stream(ends.take_first());
                tests::write_now(ends.second(), "first");
                auto data = co_await stream.receive();
                CHECK(data.value().text() == "first");
                tests::write_now(ends.second(), "and more");
                for (int round = 0; round < when; ++round) co_await tests::nop();
            }
            co_await tests::rounds_until([&] { return on.requests().in_flight() == 0; });
            co_await tuyau::yield();
            CHECK(on.receive_buffers().available() == 4);
        }(here, pair, rounds));
    }
}
