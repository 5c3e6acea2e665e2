#include <tuyau/net/tcp_stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using tests::descriptor_pair;
using tuyau::buffer;
using tuyau::loop;
using tuyau::loop_options;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;

namespace {

/// Text in which every position can be told from its neighbours.
std::string numbered(std::size_t size) {
    std::string text;
    text.reserve(size + 16);
    for (std::size_t number = 0; text.size() < size; ++number) text += std::to_string(number) + ",";
    text.resize(size);
    return text;
}

/// Sends what the socket takes at once; how much that was.
std::size_t send_now(int fd, std::string_view text) {
    const ssize_t size = ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

void reset(int fd) {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd);
}

task<> receive_until_end(tcp_stream& from, std::string& into) {
    for (;;) {
        auto data = co_await from.receive();
        if (!data) into.append("<").append(data.error().message()).append(">");
        if (!data || data->empty()) co_return;
        into += data->text();
    }
}

task<> send_all(tcp_stream& to, std::string_view text) {
    auto sent = co_await to.send(text);
    CHECK(sent);
    CHECK(to.shutdown_send());
}

task<> note(task<result<buffer>> work, std::string& outcome) {
    auto got = co_await std::move(work);
    outcome = !got           ? (tuyau::is_cancelled(got.error()) ? "cancelled" : got.error().message())
              : got->empty() ? "end"
                             : "data";
}

task<result<buffer>> receive_from(tcp_stream& stream) { co_return co_await stream.receive(); }

task<result<void>> send_to(tcp_stream& stream, std::string_view text) { co_return co_await stream.send(text); }

std::span<std::byte> space_in(std::string& text) { return std::as_writable_bytes(std::span(text)); }

} // namespace

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

TEST_CASE("sending to a peer that is gone is an error value, and so is receiving from it") {
    loop here;
    for (const bool by_reset : {true, false}) {
        auto pair = descriptor_pair::tcp();
        here.run([](descriptor_pair& ends, bool with_reset) -> task<> {
            tcp_stream stream(ends.take_first());
            if (with_reset)
                reset(ends.take_second());
            else
                ::close(ends.take_second());
            std::error_code error;
            for (int count = 0; count < 100 && !error; ++count) {
                auto sent = co_await stream.send("are you there?");
                if (!sent) error = sent.error();
            }
            CHECK((error == std::errc::broken_pipe || error == std::errc::connection_reset));
            auto again = co_await stream.send("hello?");
            REQUIRE_FALSE(again);
            CHECK(again.error() == std::errc::broken_pipe);
        }(pair, by_reset));
    }
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        reset(ends.take_second());
        auto data = co_await stream.receive();
        REQUIRE_FALSE(data);
        CHECK(data.error() == std::errc::connection_reset);
    }(pair));
}

TEST_CASE("data that came before a reset is delivered before the error is") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        std::string outcome;
        tests::write_now(ends.second(), "one");
        auto first = co_await stream.receive();
        CHECK(first.value().text() == "one");
        tests::write_now(ends.second(), "two");
        co_await tests::nop(); // it is kept before the reset comes
        co_await tests::nop();
        reset(ends.take_second());
        auto second = co_await stream.receive();
        CHECK(second.value().text() == "two");
        for (int count = 0; count < 2; ++count) {
            auto third = co_await stream.receive();
            CHECK(third.error() == std::errc::connection_reset);
        }
    }(pair));
}

TEST_CASE("a reset that a send was told of is no orderly end to who receives") {
    for (const bool into_memory : {false, true}) {
        loop here;
        auto pair = descriptor_pair::tcp();
        here.run([](descriptor_pair& ends, bool own_memory) -> task<> {
            tcp_stream stream(ends.take_first());
            tests::write_now(ends.second(), "half of what was");
            reset(ends.take_second());
            auto sent = co_await stream.send("are you there?");
            REQUIRE_FALSE(sent);
            CHECK(sent.error() == std::errc::connection_reset);
            std::string space(100, '\0');
            if (own_memory) {
                auto first = co_await stream.receive(space_in(space));
                CHECK(first.value() == 16);
                auto second = co_await stream.receive(space_in(space));
                REQUIRE_FALSE(second);
                CHECK(second.error() == std::errc::connection_reset);
            } else {
                std::string outcome;
                co_await receive_until_end(stream, outcome);
                CHECK(outcome == "half of what was<Connection reset by peer>");
            }
        }(pair, into_memory));
    }
}

TEST_CASE("a reset in the middle of a send is no orderly end to who receives") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "half of what was");
        const std::string much(32 << 20, '.');
        std::string outcome;
        scope sending;
        const auto send_much = [&]() -> task<> {
            auto sent = co_await stream.send(much);
            CHECK_FALSE(sent);
        };
        sending.spawn(send_much());
        for (int count = 0; count < 10; ++count) co_await tests::nop(); // until no more of it fits
        reset(ends.take_second());
        co_await sending.join();
        co_await receive_until_end(stream, outcome);
        CHECK(outcome == "half of what was<Connection reset by peer>");
    }(pair));
}

TEST_CASE("an end that came in order stays one, although a send finds nobody any more") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "all of it");
        ::close(ends.take_second());
        std::error_code error;
        for (int count = 0; count < 100 && !error; ++count) {
            auto sent = co_await stream.send("are you there?");
            if (!sent) error = sent.error();
        }
        CHECK(error == std::errc::broken_pipe);
        std::string outcome;
        co_await receive_until_end(stream, outcome);
        CHECK(outcome == "all of it");
    }(pair));
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

TEST_CASE("closing a stream ends the connection at once, although the kernel was asked to receive on it") {
    loop here;
    auto pair = descriptor_pair::tcp();
    const std::size_t before = tests::open_descriptors();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "x");
        auto data = co_await stream.receive();
        CHECK(data);
        data->release();
        stream.close();
        co_await tests::rounds_until([] { return loop::current().requests().in_flight() == 0; });
        CHECK(tests::read_now(ends.second(), 1).empty());
    }(pair));
    CHECK(tests::open_descriptors() <= before - 1);
}

TEST_CASE("who waits on a stream that another coroutine closes is woken, in every way of waiting") {
    loop here;
    const std::size_t before = tests::open_descriptors();
    {
        auto leasing = descriptor_pair::tcp();
        auto filling = descriptor_pair::tcp();
        auto sending = descriptor_pair::tcp();
        here.run([](descriptor_pair& one, descriptor_pair& two, descriptor_pair& three) -> task<> {
            std::optional<tcp_stream> first(std::in_place, one.take_first());
            std::optional<tcp_stream> second(std::in_place, two.take_first());
            std::optional<tcp_stream> third(std::in_place, three.take_first());
            const std::string much(20'000'000, 'x');
            std::string leased;
            std::string filled;
            std::string sent;
            scope waiting;
            waiting.spawn(note(receive_from(*first), leased));
            waiting.spawn([](tcp_stream& from, std::string& outcome) -> task<> {
                std::string space(10, '\0');
                auto size = co_await from.receive(space_in(space));
                outcome = size ? "data" : tuyau::is_cancelled(size.error()) ? "cancelled" : size.error().message();
            }(*second, filled));
            waiting.spawn([](tcp_stream& to, const std::string& text, std::string& outcome) -> task<> {
                auto done = co_await to.send(text);
                outcome = done ? "sent" : "failed";
            }(*third, much, sent));
            for (int round = 0; round < 5; ++round) co_await tests::nop();
            CHECK((leased + filled + sent).empty());
            first.reset();
            second.reset();
            third.reset();
            auto joined =
                co_await tuyau::with_deadline(30s, [](scope& all) -> task<> { co_await all.join(); }(waiting));
            CHECK(joined);
            CHECK(leased == "cancelled");
            CHECK(filled == "cancelled");
            CHECK(sent == "failed");
        }(leasing, filling, sending));
    }
    here.wait_until([&] { return here.requests().in_flight() == 0; });
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a descriptor stays out of use while a send on its closed stream is in flight") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        const int number = ends.first();
        tcp_stream stream(ends.take_first());
        const std::string much(20'000'000, 'x');
        scope sender;
        sender.spawn([](tcp_stream& to, const std::string& text) -> task<> {
            auto sent = co_await to.send(text);
            CHECK_FALSE(sent);
        }(stream, much));
        co_await tests::nop();
        stream.close();
        auto other = descriptor_pair::pipe(); // takes the lowest numbers that are free
        CHECK(other.first() != number);
        CHECK(other.second() != number);
        co_await sender.join();
        auto after = descriptor_pair::pipe();
        CHECK((after.first() == number || after.second() == number));
    }(pair));
}

TEST_CASE("aborting a stream wakes who receives and who sends on it") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        const std::string much(20'000'000, 'x');
        std::string received;
        std::optional<result<void>> sent;
        scope both;
        both.spawn(note(receive_from(stream), received));
        both.spawn([](tcp_stream& to, const std::string& text, std::optional<result<void>>& out) -> task<> {
            out = co_await send_to(to, text);
        }(stream, much, sent));
        for (int round = 0; round < 5; ++round) co_await tests::nop();
        stream.abort();
        co_await both.join();
        CHECK(received == "end");
        REQUIRE(sent);
        CHECK_FALSE(*sent);
        CHECK(stream.is_open());
    }(pair));
}

TEST_CASE("a stop ends a receive, and what comes later is not lost") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        for (int count = 0; count < 3; ++count) {
            auto late = co_await tuyau::with_deadline(2ms, receive_from(stream));
            CHECK(late.error() == std::errc::timed_out);
            std::string space(10, '\0');
            auto fill = [](tcp_stream& from, std::string& into) -> task<result<std::size_t>> {
                co_return co_await from.receive(space_in(into));
            };
            auto later = co_await tuyau::with_deadline(2ms, fill(stream, space));
            CHECK(later.error() == std::errc::timed_out);
            tests::write_now(ends.second(), "late");
            auto data = co_await stream.receive();
            CHECK(data.value().text() == "late");
        }
    }(pair));
}

TEST_CASE("data that arrives in the race with a stop is delivered, then or at the next receive") {
    const tuyau::feature_set without = GENERATE(from_range(tests::every_way()));
    loop here({.ring = {.without = without}, .buffers = {}});
    for (int order = 0; order < 6; ++order) {
        auto pair = descriptor_pair::tcp();
        here.run([](descriptor_pair& ends, int when) -> task<> {
            tcp_stream stream(ends.take_first());
            std::string outcome;
            scope receiver;
            receiver.spawn(note(receive_from(stream), outcome));
            for (int round = 0; round < when / 2; ++round) co_await tests::nop();
            if (when % 2 == 0) tests::write_now(ends.second(), "data");
            receiver.stop();
            if (when % 2 == 1) tests::write_now(ends.second(), "data");
            co_await receiver.join();
            if (outcome == "cancelled") {
                auto data = co_await stream.receive();
                CHECK(data.value().text() == "data");
            } else {
                CHECK(outcome == "data");
            }
        }(pair, order));
    }
}

TEST_CASE("a task that was asked to stop receives nothing more, although its peer never pauses") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        int received = 0;
        std::string last;
        scope receiver;
        receiver.spawn([](tcp_stream& from, int& count, std::string& end) -> task<> {
            for (;;) {
                auto data = co_await from.receive();
                if (!data) end = tuyau::is_cancelled(data.error()) ? "cancelled" : "failed";
                if (!data) co_return;
                ++count;
            }
        }(stream, received, last));
        for (int count = 0; count < 20; ++count) {
            tests::write_now(ends.second(), "more");
            co_await tests::nop();
        }
        CHECK(received > 0);
        tests::write_now(ends.second(), "and more");
        receiver.stop();
        const int before = received;
        co_await receiver.join();
        CHECK(last == "cancelled");
        CHECK(received <= before + 1); // what was on its way to it when the stop came
    }(pair));
}

TEST_CASE("a stream may be closed, or destroyed, after its receiver was stopped and before that goes on") {
    const tuyau::feature_set without = GENERATE(from_range(tests::every_way()));
    loop here({.ring = {.without = without}, .buffers = {}});
    auto pair = descriptor_pair::tcp();
    std::string outcome;
    here.run([](loop& on, descriptor_pair& ends, std::string& to) -> task<> {
        tcp_stream stream(ends.take_first());
        scope waiting;
        waiting.spawn(note(receive_from(stream), to));
        co_await tests::nop(); // the kernel has been asked
        waiting.stop();
        stream.close();
        on.wait_until([&] { return on.requests().in_flight() == 0; }); // nothing of the stream is left
        co_await waiting.join();
    }(here, pair, outcome));
    CHECK(outcome == "cancelled");
}

TEST_CASE("a stop ends a send that the peer does not read") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        const std::string much(20'000'000, 'x');
        auto sent = co_await tuyau::with_deadline(5ms, send_to(stream, much));
        CHECK(sent.error() == std::errc::timed_out);
        CHECK(loop::current().requests().in_flight() == 0);
    }(pair));
}

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
