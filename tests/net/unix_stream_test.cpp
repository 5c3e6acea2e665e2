#include <tuyau/net/unix_stream.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"
#include "support/temporary_folder.hpp"

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace std::chrono_literals;
using tuyau::loop;
using tuyau::result;
using tuyau::task;
using tuyau::unix_address;
using tuyau::unix_listener;
using tuyau::unix_stream;

static_assert(tuyau::byte_stream<unix_stream>);

namespace {

/// An abstract name of this process's own.
unix_address some_name(const std::string& what) {
    return unix_address::abstract("tuyau-test-" + std::to_string(::getpid()) + "-" + what).value();
}

} // namespace

TEST_CASE("a Unix address is a path or a name of 1 to 107 bytes") {
    CHECK(unix_address::path("/run/a.sock")->to_string() == "/run/a.sock");
    CHECK_FALSE(unix_address::path("/run/a.sock")->is_abstract());
    CHECK(unix_address::abstract("a name")->to_string() == "@a name");
    CHECK(unix_address::abstract(std::string_view("a\0b", 3))->is_abstract());
    CHECK(unix_address::path(std::string(107, 'x'))->to_string() == std::string(107, 'x'));
    CHECK(unix_address::path(std::string(108, 'x')).error() == std::errc::filename_too_long);
    CHECK(unix_address::abstract(std::string(108, 'x')).error() == std::errc::filename_too_long);
    CHECK(unix_address::path("").error() == std::errc::invalid_argument);
    CHECK(unix_address::abstract("").error() == std::errc::invalid_argument);
    CHECK(unix_address::path(std::string_view("a\0b", 3)).error() == std::errc::invalid_argument);
}

TEST_CASE("two ends talk over a path and over an abstract name, each half by itself") {
    const tests::temporary_folder folder;
    for (const auto& where : {unix_address::path(folder / "a socket").value(), some_name("talk")}) {
        loop here;
        here.run([](unix_address address) -> task<> {
            auto listener = unix_listener::bind(address).value();
            auto client = co_await connect(address);
            REQUIRE(client);
            auto server = co_await listener.accept();
            REQUIRE(server);
            auto sent = co_await client->send("a ", "question");
            REQUIRE(sent);
            REQUIRE(client->shutdown_send());
            auto question = co_await server->receive();
            REQUIRE(question);
            CHECK(question->text() == "a question");
            auto end = co_await server->receive();
            REQUIRE(end);
            CHECK(end->empty());
            sent = co_await server->send("an answer");
            REQUIRE(sent);
            server->close();
            auto answer = co_await client->receive();
            REQUIRE(answer);
            CHECK(answer->text() == "an answer");
            end = co_await client->receive();
            REQUIRE(end);
            CHECK(end->empty());
        }(where));
        CHECK(here.requests().in_flight() == 0);
    }
}

TEST_CASE("where nobody listens there is an error, and a path is taken once") {
    const tests::temporary_folder folder;
    loop here;
    here.run([](const tests::temporary_folder& in) -> task<> {
        const auto path = unix_address::path(in / "socket").value();
        auto none = co_await connect(path);
        CHECK(none.error() == std::errc::no_such_file_or_directory);
        none = co_await connect(some_name("nobody"));
        CHECK(none.error() == std::errc::connection_refused);
        auto listener = unix_listener::bind(path).value();
        CHECK(unix_listener::bind(path).error() == std::errc::address_in_use);
        listener.close();
        CHECK_FALSE(listener.is_open());
        none = co_await connect(path);
        CHECK(none.error() == std::errc::connection_refused);
        CHECK(unix_listener::bind(unix_address::path(in / "none/socket").value()).error() ==
              std::errc::no_such_file_or_directory);
    }(folder));
}

TEST_CASE("connecting to a full backlog waits, for the limit or until it is stopped or destroyed") {
    loop here;
    const std::size_t before = tests::open_descriptors();
    here.run([]() -> task<> {
        const auto where = some_name("full");
        auto listener = unix_listener::bind(where, 0).value();
        std::vector<unix_stream> waiting;
        for (;;) {
            auto next = co_await connect(where, 20ms);
            if (!next) {
                CHECK(next.error() == std::errc::timed_out);
                break;
            }
            waiting.push_back(std::move(*next));
            REQUIRE(waiting.size() < 10);
        }
        auto once = [](unix_address to) -> task<> { co_await connect(to); };
        {
            auto destroyed = tests::loose::start(once(where));
            co_await tests::nop();
        }
        tuyau::scope stopped;
        stopped.spawn(once(where));
        co_await tests::nop();
        stopped.stop();
        co_await stopped.join();
        auto accepted = co_await listener.accept(); // makes room
        REQUIRE(accepted);
        auto next = co_await connect(where);
        CHECK(next);
    }());
    CHECK(here.requests().in_flight() == 0);
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}
