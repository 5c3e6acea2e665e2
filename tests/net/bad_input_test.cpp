// What a caller may give to the network layer by mistake has a defined outcome: an error value where it can come from
// outside of the program, a sentence that ends it where only the program itself can be wrong.

#include <array>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <netdb.h>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/un.h>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace std::chrono_literals;
using tests::broken_contract_of;
using tests::descriptor_pair;
using tuyau::endpoint;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tcp_stream;

namespace {

task<> receive_once(tcp_stream& from) {
    auto data = co_await from.receive();
    (void)data;
}

constexpr auto on_another_thread = "a stream or listener was used on another thread than that of the loop it waits on";

} // namespace

TEST_CASE("sending nothing succeeds on an open stream, and fails on one that is closed") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        std::array<iovec, 2> empty{};
        for (const bool open : {true, false}) {
            if (!open) stream.close();
            auto nothing = co_await stream.send("");
            CHECK(nothing.has_value() == open);
            auto no_bytes = co_await stream.send(std::span<const std::byte>());
            CHECK(no_bytes.has_value() == open);
            auto no_pieces = co_await stream.send(std::span<iovec>());
            CHECK(no_pieces.has_value() == open);
            auto empty_pieces = co_await stream.send(std::span<iovec>(empty));
            CHECK(empty_pieces.has_value() == open);
            if (!open) CHECK(nothing.error() == std::errc::bad_file_descriptor);
        }
    }(pair));
}

TEST_CASE("receiving into no space is an error, and takes nothing from the stream") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "x");
        auto none = co_await stream.receive(std::span<std::byte>());
        CHECK(none.error() == std::errc::invalid_argument);
        auto data = co_await stream.receive();
        CHECK(data.value().text() == "x");
    }(pair));
}

TEST_CASE("memory that is not the program's is an error of the kernel") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        std::array<iovec, 1> nowhere{{{nullptr, 10}}};
        auto sent = co_await stream.send(std::span<iovec>(nowhere));
        CHECK(sent.error() == std::errc::bad_address);
    }(pair));
}

TEST_CASE("a stream of a descriptor that is none, or no socket, answers with the kernel's error") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    tests::write_now(pipe.second(), "x"); // without a buffer ring the kernel is asked when there is something
    here.run([](int no_socket) -> task<> {
        for (const auto& [fd, error] :
             {std::pair(-1, std::errc::bad_file_descriptor), std::pair(no_socket, std::errc::not_a_socket)}) {
            tcp_stream stream(fd);
            auto data = co_await stream.receive();
            CHECK(data.error() == error);
            std::array<std::byte, 1> space{};
            auto size = co_await stream.receive(space);
            CHECK(size.error() == error);
            auto sent = co_await stream.send("x");
            CHECK(sent.error() == error);
            CHECK(stream.shutdown_send().error() == error);
            CHECK(stream.local_endpoint().error() == error);
            CHECK(stream.peer_endpoint().error() == error);
            stream.abort();
        }
    }(pipe.take_first()));
}

TEST_CASE("a listener that was moved from, closed or never opened answers EBADF") {
    loop here;
    here.run([]() -> task<> {
        auto first = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        auto second = std::move(first);
        auto closed = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        closed.close();
        closed.close();
        tcp_listener never;
        for (tcp_listener* each : {&first, &closed, &never}) {
            CHECK_FALSE(each->is_open());
            auto accepted = co_await each->accept();
            CHECK(accepted.error() == std::errc::bad_file_descriptor);
            CHECK(each->local_endpoint().error() == std::errc::bad_file_descriptor);
        }
        CHECK(second.is_open());
    }());
}

TEST_CASE("a backlog that is negative, nothing or huge listens all the same") {
    loop here;
    here.run([]() -> task<> {
        for (const int backlog : {-1, 0, std::numeric_limits<int>::max()}) {
            auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0), {.backlog = backlog}).value();
            auto client = co_await tuyau::connect(listener.local_endpoint().value());
            CHECK(client);
            auto accepted = co_await listener.accept();
            CHECK(accepted);
        }
    }());
}

TEST_CASE("connecting where nobody can be is an error value") {
    loop here;
    here.run([]() -> task<> {
        auto no_port = co_await tuyau::connect(endpoint("127.0.0.1", 0));
        CHECK(no_port.error() == std::errc::connection_refused);
        auto by_name = co_await tuyau::connect("localhost", 0);
        CHECK(by_name.error() == std::errc::connection_refused);
        auto broadcast = co_await tuyau::connect(endpoint("255.255.255.255", 80));
        CHECK_FALSE(broadcast);
        auto group = co_await tuyau::connect(endpoint("ff02::1", 80));
        CHECK_FALSE(group);
        CHECK(loop::current().requests().in_flight() == 0);
    }());
}

TEST_CASE("no time to connect in is a time-out") {
    loop here;
    here.run([]() -> task<> {
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        const auto where = listener.local_endpoint().value();
        for (const auto limit : {0ms, -1ms, std::chrono::milliseconds::min()}) {
            auto late = co_await tuyau::connect(where, limit);
            CHECK(late.error() == std::errc::timed_out);
            auto by_name = co_await tuyau::connect("localhost", where.port(), limit);
            CHECK(by_name.error() == std::errc::timed_out);
        }
    }());
}

TEST_CASE("what cannot be a host's name is an error of the resolver") {
    loop here;
    here.run([]() -> task<> {
        for (const std::string& host :
             {std::string(), std::string("localhost\0.example", 18), std::string("two words"), std::string(300, 'x'),
              std::string(100'000, 'x'), std::string("["), std::string("[]"), std::string("[localhost"),
              std::string("1.2.3.4.5"), std::string("\xff\xfe")}) {
            auto found = co_await tuyau::resolve(host, 80);
            INFO(host.substr(0, 40));
            REQUIRE_FALSE(found);
            CHECK(found.error().category() == tuyau::resolve_category());
            CHECK_FALSE(found.error().message().empty());
        }
    }());
}

TEST_CASE("an address of the kernel that is missing or cut short is refused") {
    CHECK(endpoint::from_native(nullptr, 0).error() == std::errc::address_family_not_supported);
    sockaddr_in six_bytes{};
    six_bytes.sin_family = AF_INET;
    const auto* native = reinterpret_cast<const sockaddr*>(&six_bytes);
    for (const socklen_t length : {0u, 1u, 2u, 6u})
        CHECK(endpoint::from_native(native, length).error() == std::errc::address_family_not_supported);
    CHECK(endpoint::from_native(native, sizeof six_bytes));
    CHECK_THROWS_AS(endpoint("", 0), std::invalid_argument);
    CHECK_THROWS_AS(endpoint("localhost", 0), std::invalid_argument);
}

TEST_CASE("a line may be limited to nothing, and to no limit") {
    loop here;
    auto pair = descriptor_pair::tcp();
    here.run([](descriptor_pair& ends) -> task<> {
        tcp_stream stream(ends.take_first());
        tests::write_now(ends.second(), "words\n\nx\n");
        {
            tuyau::line_reader unlimited(stream, std::numeric_limits<std::size_t>::max());
            auto line = co_await unlimited.next();
            CHECK(line.value() == "words");
        } // what it had read further goes with it
        tests::write_now(ends.second(), "\r\nx\n");
        tuyau::line_reader empty(stream, 0);
        auto none = co_await empty.next();
        CHECK(none.value().empty());
        auto longer = co_await empty.next();
        CHECK(longer.error() == std::errc::message_size);
        tcp_stream closed;
        tuyau::line_reader of_nothing(closed);
        auto nothing = co_await of_nothing.next();
        CHECK(nothing.error() == std::errc::bad_file_descriptor);
    }(pair));
}

TEST_CASE("a stream that waits on one loop is not used on the thread of another") {
    const auto beside = [](auto use) {
        return broken_contract_of([&use] {
            loop here;
            auto pair = descriptor_pair::tcp();
            here.run([](descriptor_pair& ends, auto& act) -> task<> {
                tcp_stream stream(ends.take_first());
                scope receiver;
                receiver.spawn(receive_once(stream));
                co_await tests::nop();
                receiver.stop(); // the request stays in flight
                co_await receiver.join();
                std::jthread([&] {
                    loop another;
                    act(another, stream);
                }).join();
            }(pair, use));
        });
    };
    CHECK(beside([](loop& there, tcp_stream& stream) { there.run(receive_once(stream)); }) == on_another_thread);
    CHECK(beside([](loop&, tcp_stream& stream) { stream.close(); }) == on_another_thread);
}

TEST_CASE("bytes that a stream has received stay on its loop's thread") {
    const auto beside = [](auto use) {
        return broken_contract_of([&use] {
            loop here;
            auto pair = descriptor_pair::tcp();
            here.run([](descriptor_pair& ends, auto& act) -> task<> {
                tcp_stream stream(ends.take_first());
                tests::write_now(ends.second(), "first");
                co_await receive_once(stream);
                tests::write_now(ends.second(), "second");
                ::shutdown(ends.second(), SHUT_WR);
                co_await tests::rounds_until([] { return loop::current().requests().in_flight() == 0; });
                std::jthread([&] {
                    loop another;
                    act(another, stream);
                }).join();
            }(pair, use));
        });
    };
    CHECK(beside([](loop& there, tcp_stream& stream) { there.run(receive_once(stream)); }) == on_another_thread);
    CHECK(beside([](loop&, tcp_stream& stream) { stream.close(); }) == on_another_thread);
}

TEST_CASE("a stream that has not received yet may be handed to another loop's thread, and used after its loop's end") {
    auto pair = descriptor_pair::tcp();
    tcp_stream stream(pair.take_first());
    for (int loops = 0; loops < 2; ++loops) {
        tests::write_now(pair.second(), "x");
        std::jthread([&stream] {
            loop another;
            another.run([](tcp_stream& from) -> task<> {
                auto data = co_await from.receive();
                CHECK(data.value().text() == "x");
            }(stream));
        }).join();
    }
}
