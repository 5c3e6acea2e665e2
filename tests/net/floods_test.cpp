// A thousand completions of one request meet a completion queue of eight, and many streams a handful of buffers: nothing is
// lost, and everything comes in order.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"
#include "support/socket.hpp"

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/system.hpp>
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

constexpr std::size_t thousand = 1000;

/// A text in which each place can be told from the others.
std::string numbered(std::size_t size) {
    std::string text;
    for (std::size_t number = 0; text.size() < size; ++number) text += std::to_string(number) + ' ';
    text.resize(size);
    return text;
}

task<> receive_all(tcp_stream& from, std::string& to) {
    for (;;) {
        auto data = co_await from.receive();
        if (!data || data->empty()) co_return;
        to += data->text();
    }
}

/// Sends what the socket takes; how much that was.
std::size_t send_what_fits(int fd, const std::string& text) {
    std::size_t sent = 0;
    for (;;) {
        const auto size = ::send(fd, text.data() + sent, text.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size <= 0) return sent;
        sent += static_cast<std::size_t>(size);
    }
}

} // namespace

TEST_CASE("a thousand connections flood a completion queue of eight, and are accepted in turn") {
    if (tuyau::system::raise_descriptor_limit() < 2 * thousand + 100) SKIP("too few descriptors");
    loop here({.ring = {.submission_entries = 8, .completion_entries = 8}, .buffers = {.initial = 2, .most = 2}});
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        const std::uint16_t port = listener.local_endpoint().value().port();
        scope acceptor;
        std::vector<std::uint16_t> accepted;
        acceptor.spawn([](tcp_listener& from, std::vector<std::uint16_t>& ports) -> task<> {
            while (ports.size() != thousand) {
                auto stream = co_await from.accept();
                REQUIRE(stream);
                ports.push_back(stream->peer_endpoint().value().port());
            }
        }(listener, accepted));
        co_await tests::nop(); // the request is there before the first connection is
        std::vector<std::unique_ptr<tests::socket_client>> clients;
        std::vector<std::uint16_t> connected;
        for (std::size_t number = 0; number < thousand; ++number) {
            clients.push_back(std::make_unique<tests::socket_client>("127.0.0.1", port));
            connected.push_back(clients.back()->local_port());
        }
        co_await acceptor.join();
        CHECK(accepted == connected);
        auto& ring = loop::current().requests();
        if (ring.uses(tuyau::feature::multishot_accept)) CHECK(ring.counts().overflows > 0);
    }());
}

TEST_CASE("a stream fills a thousand buffers through a completion queue of eight, in order") {
    loop here({.ring = {.submission_entries = 8, .completion_entries = 8},
               .buffers = {.size = 16, .initial = 64, .most = 2048}});
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        const std::string text = numbered(16 * thousand);
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), text);
        ::shutdown(ends.second(), SHUT_WR);
        std::string received;
        co_await receive_all(stream, received);
        CHECK(received == text);
    }(pair));
}

TEST_CASE("of many streams on one, two or eight buffers those that nobody reads hold back only their own peers") {
    for (const unsigned count : {1u, 2u, 8u}) {
        loop here({.ring = {.submission_entries = 8, .completion_entries = 8},
                   .buffers = {.size = 256, .initial = count, .most = count}});
        std::vector<descriptor_pair> pairs;
        for (int number = 0; number < 40; ++number) pairs.push_back(descriptor_pair::tcp());
        here.run([](std::vector<descriptor_pair>& ends) -> task<> {
            const std::string text = numbered(20'000);
            std::vector<tcp_stream> streams;
            for (auto& each : ends) streams.emplace_back(each.take_first());
            const std::size_t slow = ends.size() / 4;
            std::vector<std::string> received(ends.size());
            std::vector<std::size_t> sent(ends.size());
            // The slow ones have read once, so that the kernel goes on to bring them what comes.
            for (std::size_t index = 0; index < slow; ++index) {
                tests::write_now(ends[index].second(), "!");
                auto first = co_await streams[index].receive();
                REQUIRE(first.value().text() == "!");
            }
            for (std::size_t index = 0; index < ends.size(); ++index) {
                sent[index] = send_what_fits(ends[index].second(), text);
                ::shutdown(ends[index].second(), SHUT_WR);
            }
            scope readers;
            for (std::size_t index = slow; index < ends.size(); ++index)
                readers.spawn(receive_all(streams[index], received[index]));
            co_await readers.join();
            for (std::size_t index = 0; index < slow; ++index) co_await receive_all(streams[index], received[index]);
            for (std::size_t index = 0; index < ends.size(); ++index)
                REQUIRE(received[index] == text.substr(0, sent[index]));
        }(pairs));
        CHECK(here.receive_buffers().total() == count);
    }
}
