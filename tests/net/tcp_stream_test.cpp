// What goes through a stream arrives, in order, whichever way it is received.

#include <tuyau/net/tcp_stream.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tcp_stream_helpers.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using namespace tests;
using tuyau::buffer;
using tuyau::loop;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;

TEST_CASE("what the peer sends is received in order, then an empty buffer for the end, as often as asked") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "hello");
        auto data = co_await stream.receive();
        CHECK(data.value().text() == "hello");
        ::close(ends.take_second());
        for (int count = 0; count < 3; ++count) {
            auto end = co_await stream.receive();
            REQUIRE(end);
            CHECK(end->empty());
        }
    }(pair));
}

TEST_CASE("the kernel is asked once per connection, not once per receive") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        auto& ring = loop::current().requests();
        const bool goes_on = ring.uses(tuyau::feature::multishot_receive) && ring.uses(tuyau::feature::buffer_ring);
        for (int count = 0; count < 20; ++count) {
            tests::write_now(ends.second(), "x");
            auto data = co_await stream.receive();
            CHECK(data.value().text() == "x");
            CHECK(ring.in_flight() == 1);
            CHECK(ring.prepared() == (goes_on ? 0 : 1)); // else it is asked again before the next is waited for
        }
    }(pair));
}

TEST_CASE("receiving into memory and receiving leases give the same bytes, however they are mixed") {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        loop here({.ring = {}, .buffers = {.size = 64, .initial = 4, .most = 4}});
        auto pair = descriptor_pair::tcp();
        const std::string text = numbered(20'000);
        std::string received;
        here.run([](descriptor_pair& ends, const std::string& sent, std::string& into, unsigned number) -> task<> {
            tcp_stream stream(ends.take_first());
            scope writer;
            writer.spawn([](descriptor_pair& pair_, const std::string& all, unsigned s) -> task<> {
                std::mt19937 random(s);
                for (std::size_t at = 0; at < all.size();) {
                    const std::size_t size = std::min<std::size_t>(1 + random() % 500, all.size() - at);
                    tests::write_now(pair_.second(), std::string_view(all).substr(at, size));
                    at += size;
                    for (unsigned pause = random() % 4; pause != 0; --pause) co_await tuyau::yield();
                }
                ::close(pair_.take_second());
            }(ends, sent, number));
            std::mt19937 random(number + 100);
            for (;;) {
                if (random() % 2 == 0) {
                    auto data = co_await stream.receive();
                    REQUIRE(data);
                    if (data->empty()) break;
                    into += data->text();
                } else {
                    std::string space(1 + random() % 100, '\0');
                    auto size = co_await stream.receive(space_in(space));
                    REQUIRE(size);
                    if (*size == 0) break;
                    into.append(space, 0, *size);
                }
            }
            co_await writer.join();
        }(pair, text, received, seed));
        CHECK(received == text);
    }
}

TEST_CASE("receiving into memory alone leases no buffer") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "abcdef");
        std::string space(4, '\0');
        auto first = co_await stream.receive(space_in(space));
        CHECK(first.value() == 4);
        CHECK(space == "abcd");
        auto second = co_await stream.receive(space_in(space));
        CHECK(second.value() == 2);
        CHECK(loop::current().requests().in_flight() == 0);
        auto nowhere = co_await stream.receive(std::span<std::byte>());
        CHECK(nowhere.error() == std::errc::invalid_argument);
        ::close(ends.take_second());
        auto end = co_await stream.receive(space_in(space));
        CHECK(end.value() == 0);
    }(pair));
}

TEST_CASE("all pieces of a send arrive one after another, empty ones included") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        auto two = co_await stream.send("one ", "two ");
        CHECK(two);
        auto holes = co_await stream.send("", "three ", "", std::string("four "), std::string_view());
        CHECK(holes);
        auto nothing = co_await stream.send("");
        CHECK(nothing);
        auto nothings = co_await stream.send("", "", "");
        CHECK(nothings);
        const std::string bytes = "five";
        auto raw = co_await stream.send(std::as_bytes(std::span(bytes)));
        CHECK(raw);
        CHECK(tests::read_now(ends.second(), 23) == "one two three four five");
    }(pair));
}

TEST_CASE("a thousand pieces are sent in one request, and any number in as many as it takes") {
    for (std::size_t count : {0u, 1u, 1024u, 1025u, 5000u}) {
        loop here;
        auto pair = descriptor_pair::tcp();
        std::string all;
        std::vector<std::string> texts;
        for (std::size_t number = 0; number < count; ++number)
            texts.push_back(number % 5 == 0 ? "" : std::to_string(number) + ";");
        for (const std::string& each : texts) all += each;
        std::vector<iovec> pieces;
        for (std::string& each : texts) pieces.push_back({each.data(), each.size()});
        here.run([](descriptor_pair& ends, std::span<iovec> parts) -> task<> {
            tcp_stream stream(ends.take_first());
            auto sent = co_await stream.send(parts);
            CHECK(sent);
        }(pair, pieces));
        CHECK(tests::read_now(pair.second(), all.size() + 1) == all);
    }
}

TEST_CASE("twenty megabytes in pieces reach a peer that reads slowly, whole") {
    loop here;
    auto pair = descriptor_pair::tcp();
    const std::string text = numbered(20'000'000);
    std::string received;
    std::thread reader([fd = pair.second(), &received, size = text.size()] { received = tests::read_now(fd, size); });
    here.run([](descriptor_pair& ends, std::string_view all) -> task<> {
        tcp_stream stream(ends.take_first());
        auto sent = co_await stream.send(all.substr(0, 1), all.substr(1, 9'000'000), "", all.substr(9'000'001));
        CHECK(sent);
    }(pair, text));
    reader.join();
    CHECK(received == text);
}

TEST_CASE("each end may end its sending and go on receiving") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream one(ends.take_first());
        tcp_stream other(ends.take_second());
        CHECK(one.shutdown_send());
        auto end = co_await other.receive();
        CHECK(end.value().empty());
        for (int count = 0; count < 3; ++count) {
            auto sent = co_await other.send("still here");
            CHECK(sent);
            auto data = co_await one.receive();
            CHECK(data.value().text() == "still here");
        }
        auto refused = co_await one.send("no more");
        CHECK(refused.error() == std::errc::broken_pipe);
        CHECK(other.shutdown_send());
        auto both = co_await one.receive();
        CHECK(both.value().empty());
    }(pair));
}

TEST_CASE("a stream tells the two ends of its own connection, among several") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tuyau::tcp_listener::bind(tuyau::endpoint("127.0.0.1", 0)).value();
        const auto where = listener.local_endpoint().value();
        std::vector<tcp_stream> clients;
        std::vector<tcp_stream> servers;
        for (int count = 0; count < 5; ++count) {
            auto client = co_await tuyau::connect(where);
            REQUIRE(client);
            clients.push_back(std::move(*client));
            auto server = co_await listener.accept();
            REQUIRE(server);
            servers.push_back(std::move(*server));
        }
        for (std::size_t index = 0; index < clients.size(); ++index) {
            CHECK(clients[index].peer_endpoint().value() == where);
            CHECK(servers[index].local_endpoint().value() == where);
            CHECK(clients[index].local_endpoint().value() == servers[index].peer_endpoint().value());
            for (std::size_t other = 0; other < index; ++other)
                CHECK_FALSE(clients[index].local_endpoint().value() == clients[other].local_endpoint().value());
        }
    }());
}

TEST_CASE("a stream that was moved from, closed or never opened answers EBADF") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream first(ends.take_first());
        tcp_stream second(std::move(first));
        CHECK(second.is_open());
        tcp_stream closed(ends.take_second());
        closed.close();
        closed.close();
        tcp_stream never;
        for (tcp_stream* each : {&first, &closed, &never}) {
            CHECK_FALSE(each->is_open());
            auto data = co_await each->receive();
            CHECK(data.error() == std::errc::bad_file_descriptor);
            std::string space(1, '\0');
            auto size = co_await each->receive(space_in(space));
            CHECK(size.error() == std::errc::bad_file_descriptor);
            auto sent = co_await each->send("x");
            CHECK(sent.error() == std::errc::bad_file_descriptor);
            auto pieces = co_await each->send("x", "y");
            CHECK(pieces.error() == std::errc::bad_file_descriptor);
            CHECK(each->shutdown_send().error() == std::errc::bad_file_descriptor);
            CHECK(each->local_endpoint().error() == std::errc::bad_file_descriptor);
            CHECK(each->peer_endpoint().error() == std::errc::bad_file_descriptor);
            each->abort();
        }
    }(pair));
}

TEST_CASE("streams work without any one feature of the kernel, and without all") {
    for (const tuyau::feature_set without : tests::every_way()) {
        loop here({.ring = {.without = without}, .buffers = {}});
        auto pair = descriptor_pair::tcp();
        const std::string text = numbered(2'000'000);
        std::string received;
        here.run([](descriptor_pair& ends, const std::string& all, std::string& into) -> task<> {
            tcp_stream from(ends.take_first());
            tcp_stream to(ends.take_second());
            scope sender;
            sender.spawn(send_all(to, all));
            co_await receive_until_end(from, into);
            co_await sender.join();
            auto late = co_await tuyau::with_deadline(2ms, receive_from(to));
            CHECK(late.error() == std::errc::timed_out);
        }(pair, text, received));
        CHECK(received == text);
    }
}
