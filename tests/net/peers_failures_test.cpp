// Failures seen in other runtimes of this kind. Each test is named after one, and shows that it does not happen here.

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>

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

tuyau::loop_options queues_of_eight() {
    return {.ring = {.submission_entries = 8, .completion_entries = 8}, .buffers = {.initial = 8, .most = 8}};
}

task<result<std::string>> receive_text(tcp_stream& from) {
    auto data = co_await from.receive();
    if (!data) co_return tuyau::failure(data.error());
    co_return std::string(data->text());
}

task<result<std::string>> receive_text_into_memory(tcp_stream& from) {
    std::array<std::byte, 64> space{};
    auto size = co_await from.receive(space);
    if (!size) co_return tuyau::failure(size.error());
    co_return std::string(reinterpret_cast<const char*>(space.data()), *size);
}

/// Waits for ten bytes, with a request for each.
task<result<void>> read_ten(int fd) {
    for (int count = 0; count < 10; ++count) {
        std::array<std::byte, 1> space{};
        auto size = co_await tuyau::read_some(fd, space);
        if (!size) co_return tuyau::failure(size.error());
    }
    co_return result<void>();
}

task<> nap(std::chrono::nanoseconds length, int& ended) {
    auto slept = co_await tuyau::sleep_for(length);
    if (slept) ++ended;
}

} // namespace

TEST_CASE("peers' failure: a cancel is dropped when the submission queue is full") {
    loop here(queues_of_eight());
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        scope receiver;
        int cancelled = 0;
        receiver.spawn([](tcp_stream& from, int& count) -> task<> {
            auto text = co_await receive_text_into_memory(from);
            if (!text && tuyau::is_cancelled(text.error())) ++count;
        }(stream, cancelled));
        co_await tests::nop();
        scope fillers;
        auto fill = []() -> task<> { co_await tests::nop(); };
        auto& ring = loop::current().requests();
        while (ring.prepared() != 8) fillers.spawn(fill());
        receiver.stop();
        co_await receiver.join();
        CHECK(cancelled == 1);
        co_await fillers.join();
        CHECK(ring.in_flight() == 0);
    }(pair));
}

TEST_CASE("peers' failure: a program crashes when twenty thousand timers are set at once") {
    loop here;
    int ended = 0;
    here.run([](int& count) -> task<> {
        scope sleepers;
        for (int sleeper = 0; sleeper < 20'000; ++sleeper) sleepers.spawn(nap(1ms, count));
        co_await sleepers.join();
    }(ended));
    CHECK(ended == 20'000);
}

TEST_CASE("peers' failure: a burst of fifty thousand timers on a ring of eight entries does not complete") {
    loop here(queues_of_eight());
    auto pair = descriptor_pair::tcp();
    int ended = 0;
    here.run([](descriptor_pair& ends, int& count) -> task<> {
        tcp_stream stream(ends.take_first());
        scope sleepers;
        for (int sleeper = 0; sleeper < 50'000; ++sleeper) sleepers.spawn(nap(1us * (sleeper % 5000), count));
        // A connection is served meanwhile.
        for (int number = 0; number < 20; ++number) {
            tests::write_now(ends.second(), "x");
            auto text = co_await receive_text(stream);
            REQUIRE(text);
            CHECK(*text == "x");
        }
        co_await sleepers.join();
    }(pair, ended));
    CHECK(ended == 50'000);
}

TEST_CASE("peers' failure: the losers of a race keep running") {
    loop here;
    auto pair = descriptor_pair::tcp();
    const std::size_t before = tests::open_descriptors();
    here.run([](descriptor_pair& ends, std::size_t descriptors) -> task<> {
        int steps = 0;
        const auto talk = [](int fd, int& count) -> task<result<void>> {
            tcp_stream stream(fd);
            for (;;) {
                ++count;
                auto sent = co_await stream.send("x");
                if (!sent) co_return sent;
                auto slept = co_await tuyau::sleep_for(100us);
                if (!slept) co_return slept;
            }
        };
        auto first = co_await tuyau::when_any(talk(ends.take_first(), steps), read_ten(ends.second()));
        CHECK(first.index == 1);
        CHECK(std::get<0>(first.outcomes).error() == std::errc::operation_canceled);
        CHECK(tests::open_descriptors() < descriptors); // the loser has closed its end
        const int taken = steps;
        co_await tuyau::sleep_for(2ms);
        CHECK(steps == taken);
        CHECK(loop::current().requests().in_flight() == 0);
    }(pair, before));
}

TEST_CASE("peers' failure: a request is made by an awaitable that nobody awaits") {
    loop here;
    auto pair = descriptor_pair::tcp();
    auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
    here.run([](descriptor_pair& ends, tcp_listener& accepting) -> task<> {
        co_await tests::nop();
        tcp_stream stream(ends.take_first());
        const auto& ring = loop::current().requests();
        std::array<std::byte, 8> space{};
        {
            auto sending = stream.send("never sent");
            auto receiving = stream.receive();
            auto receiving_there = stream.receive(space);
            auto accepted = accepting.accept();
            auto reading = tuyau::read_some(ends.second(), space);
            auto connected = tuyau::connect(accepting.local_endpoint().value());
            auto sleeping = tuyau::sleep_for(1h);
            CHECK(ring.prepared() == 0);
            CHECK(ring.in_flight() == 0);
        }
        CHECK(ring.prepared() == 0);
        (void)stream.shutdown_send();
        CHECK(tests::read_now(ends.second(), 1).empty()); // the end, and nothing before it
    }(pair, listener));
}

TEST_CASE("peers' failure: connections accepted by one request share the address of one peer") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        const auto where = listener.local_endpoint().value();
        std::vector<tcp_stream> clients;
        for (int number = 0; number < 50; ++number) {
            auto client = co_await tuyau::connect(where);
            REQUIRE(client);
            clients.push_back(std::move(*client));
        }
        std::vector<tcp_stream> served; // all of them, before the first is asked who it is
        for (int number = 0; number < 50; ++number) {
            auto accepted = co_await listener.accept();
            REQUIRE(accepted);
            served.push_back(std::move(*accepted));
        }
        for (std::size_t index = 0; index < served.size(); ++index) {
            const std::string name = served[index].peer_endpoint().value().to_string();
            auto sent = co_await served[index].send(name);
            REQUIRE(sent);
        }
        for (tcp_stream& each : clients) {
            auto name = co_await receive_text(each);
            CHECK(name.value() == each.local_endpoint().value().to_string());
        }
    }());
}

TEST_CASE("peers' failure: what arrived in the race with a stop is forgotten with whoever waited for it") {
    for (const auto receive : {receive_text, receive_text_into_memory}) {
        for (const bool destroyed : {false, true}) {
            loop here;
            auto pair = descriptor_pair::tcp();
            here.run([](descriptor_pair& ends, auto how, bool destroy) -> task<> {
                tcp_stream stream(ends.take_first());
                const std::string text = "0123456789";
                std::string received;
                int number = 0;
                for (const char each : text) {
                    std::optional<scope> receiver(std::in_place);
                    receiver->spawn([](tcp_stream& from, auto with, std::string& to) -> task<> {
                        auto data = co_await with(from);
                        if (data) to += *data;
                    }(stream, how, received));
                    for (int round = 0; round < number % 3; ++round) co_await tests::nop();
                    tests::write_now(ends.second(), std::string_view(&each, 1));
                    for (int round = 0; round < number % 2; ++round) loop::current().requests().poll();
                    ++number;
                    if (destroy && how == receive_text) {
                        receiver.reset(); // what a stream keeps is not its reader's
                    } else {
                        receiver->stop();
                        co_await receiver->join();
                    }
                }
                ::shutdown(ends.second(), SHUT_WR);
                for (;;) {
                    auto rest = co_await how(stream);
                    if (rest.value().empty()) break;
                    received += *rest;
                }
                CHECK(received == text);
            }(pair, receive, destroyed));
        }
    }
}

TEST_CASE("peers' failure: destroying what is in flight sleeps, and gives up after a time") {
    loop here;
    std::vector<descriptor_pair> pairs;
    for (int number = 0; number < 250; ++number) pairs.push_back(descriptor_pair::tcp());
    here.run([](std::vector<descriptor_pair>& all) -> task<> {
        auto& ring = loop::current().requests();
        const std::string much(1'000'000, 'x'); // more than the sockets hold once they hold little
        const int little = 4096;
        for (const auto& each : all) {
            ::setsockopt(each.first(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
            ::setsockopt(each.second(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
        }
        {
            std::vector<tcp_stream> streams;
            for (auto& each : all) streams.emplace_back(each.take_first());
            scope busy;
            for (std::size_t index = 0; index < streams.size(); ++index) {
                busy.spawn([](tcp_stream& on, const std::string& text) -> task<> {
                    co_await on.send(text);
                }(streams[index], much));
                busy.spawn([](tcp_stream& on) -> task<> { co_await receive_text_into_memory(on); }(streams[index]));
                for (int reader = 0; reader < 2; ++reader) {
                    busy.spawn([](int fd) -> task<> {
                        auto readable = [fd](io_uring_sqe& sqe) { io_uring_prep_poll_add(&sqe, fd, POLLRDHUP); };
                        co_await tuyau::operation(readable);
                    }(all[index].second()));
                }
            }
            co_await tests::nop();
            CHECK(ring.in_flight() == 1000);
            CHECK(busy.size() == 1000);
        }
        CHECK(ring.in_flight() == 0); // as soon as it is back, the kernel has let go of everything
    }(pairs));
}

TEST_CASE("peers' failure: a cancel that does not find its request is forgotten") {
    // The requests are cancelled as soon as they are submitted, while the kernel hands them from one part to the next.
    for (const bool loop_ends : {false, true}) {
        std::vector<descriptor_pair> pairs;
        for (int number = 0; number < 250; ++number) pairs.push_back(descriptor_pair::tcp());
        const int little = 4096;
        const std::string much(1'000'000, 'x');
        std::vector<tcp_stream> streams;
        for (auto& each : pairs) {
            ::setsockopt(each.first(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
            ::setsockopt(each.second(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
            streams.emplace_back(each.take_first());
        }
        int ended = 0;
        scope senders;
        loop here(queues_of_eight());
        here.run([](scope& all, std::vector<tcp_stream>& to, const std::string& text, int& count, bool stop) -> task<> {
            for (tcp_stream& each : to) {
                all.spawn([](tcp_stream& stream, const std::string& bytes, int& cut_short) -> task<> {
                    auto sent = co_await stream.send(bytes);
                    if (!sent && tuyau::is_cancelled(sent.error())) ++cut_short;
                }(each, text, count));
            }
            co_await tests::nop();
            if (!stop) co_return;
            all.stop();
            co_await all.join();
        }(senders, streams, much, ended, !loop_ends));
        CHECK(ended == (loop_ends ? 0 : 250));
    }
}

TEST_CASE("a stream that ends while room is made for its cancel is let go once") {
    struct nobody final : tuyau::completion_target {
        void complete(int, unsigned) noexcept override {}
    };
    nobody others;
    loop here({.ring = {.submission_entries = 8}});
    for (int round = 0; round < 20; ++round) {
        here.run([](loop& on, nobody& target) -> task<> {
            auto pair = descriptor_pair::tcp();
            auto stream = std::make_unique<tcp_stream>(pair.take_first());
            auto wait = [](tcp_stream& from) -> task<> { co_await from.receive(); };
            auto reader = tests::loose::start(wait(*stream));
            co_await tests::nop();
            ::shutdown(pair.second(), SHUT_WR); // the last completion is there, and has not been read
            while (on.requests().prepared() < 8) io_uring_prep_nop(&on.requests().prepare(target));
            reader.destroy();
            stream.reset();
        }(here, others));
    }
    here.wait_until([&] { return here.requests().in_flight() == 0; });
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("peers' failure: a multishot receive is not told of a reset that came right behind data") {
    loop here;
    for (const bool reads_on : {true, false}) {
        auto pair = descriptor_pair::tcp();
        here.run([](descriptor_pair& ends, bool waits) -> task<> {
            tcp_stream stream(ends.take_first());
            tests::write_now(ends.second(), "first");
            auto first = co_await receive_text(stream);
            CHECK(first == "first"); // from now on the kernel brings what comes by itself
            tests::write_now(ends.second(), "last");
            const linger at_once{1, 0};
            ::setsockopt(ends.second(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            ::close(ends.take_second());
            if (!waits) co_await tuyau::sleep_for(1s); // what came is there before it is asked for
            auto last = co_await receive_text(stream);
            CHECK(last == "last");
            auto end = co_await tuyau::with_deadline(30s, receive_text(stream));
            REQUIRE_FALSE(end);
            CHECK(end.error() == std::errc::connection_reset);
        }(pair, reads_on));
    }
}

TEST_CASE("peers' failure: the kernel forgets to tell a multishot receive of a reset that it has seen") {
    if (!tests::in_use(tuyau::feature::multishot_receive) || !tests::in_use(tuyau::feature::buffer_ring))
        SKIP("receives are not multishot here");
    loop here;
    auto pair = descriptor_pair::tcp();
    auto broken = descriptor_pair::tcp();
    const linger at_once{1, 0};
    ::setsockopt(broken.second(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(broken.take_second());
    here.run([](descriptor_pair& ends, descriptor_pair& after) -> task<> {
        const int fd = ends.first();
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "last");
        auto last = co_await receive_text(stream);
        CHECK(last == "last");
        // The race that this stands for cannot be won at will: in its place the request waits for what never comes.
        REQUIRE(::dup2(after.first(), fd) == fd);
        auto end = co_await tuyau::with_deadline(30s, receive_text(stream));
        REQUIRE_FALSE(end);
        CHECK(end.error() == std::errc::connection_reset);
    }(pair, broken));
}
