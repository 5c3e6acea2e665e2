#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <tuyau/net/http/combined_log.hpp>
#include <tuyau/net/http/file_server.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/loop.hpp>

#include "support/allocations.hpp"
#include "support/temporary_folder.hpp"

using namespace tuyau;

namespace {

class page {
public:
    task<> operator()(http::request&, http::response& reply) {
        reply.send(response_);
        co_return;
    }

private:
    http::prepared_response response_{200, "text/plain", "@"};
};

task<> accept_on(http::server& server, tcp_listener& listener) { co_await server.serve(listener); }

/// Sends `requests` on `client` and reads until each was answered.
task<> ask(tcp_stream& client, const std::string& requests, std::size_t answers) {
    co_await client.send(requests);
    while (answers != 0) {
        auto received = co_await client.receive();
        if (!received || received->empty()) co_return;
        for (char each : received->text()) answers -= each == '@' ? 1 : 0; // of the body alone
    }
}

} // namespace

TEST_CASE("a plain GET costs no allocation once warm, alone or pipelined, with and without a line for a log") {
    const bool logged = GENERATE(false, true);
    loop here;
    std::size_t spent = 0;
    here.run([](std::size_t& allocated, bool with_log) -> task<> {
        page program;
        http::server server(std::ref(program));
        http::log_clock clock;
        std::string line;
        const auto log = [&](const http::answered& what) {
            line.clear();
            http::append_combined_line(line, what, clock.now());
        };
        if (with_log) server.observe(log);
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope accepting;
        accepting.spawn(accept_on(server, listener));
        auto client = co_await connect(listener.local_endpoint().value());
        REQUIRE(client);
        const std::string one = "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8.0 \"a\"\r\n\r\n";
        std::string many;
        for (int i = 0; i < 16; ++i) many += one;
        for (int round = 0; round < 100; ++round) {
            co_await ask(*client, one, 1);
            co_await ask(*client, many, 16);
        }
        const std::size_t before = tests::allocations();
        for (int round = 0; round < 1000; ++round) {
            co_await ask(*client, one, 1);
            co_await ask(*client, many, 16);
        }
        allocated = tests::allocations() - before;
        client->close();
        accepting.stop();
        co_await accepting.join();
        co_await server.drain();
        if (with_log) REQUIRE(line.ends_with("\"GET / HTTP/1.1\" 200 1 \"-\" \"curl/8.0 \\x22a\\x22\"\n"));
    }(spent, logged));
    // 17,000 requests. The response is made anew when the date changes, once a second, and so is the log's time.
    CHECK(spent < 20);
}

TEST_CASE("a plain GET of a file that is kept costs no allocation once warm, whether it is copied or passed on") {
    const std::size_t size = GENERATE(1000, 100'000);
    tests::temporary_folder files;
    files.write("file", std::string(size - 1, 'a') + "@");
    loop here;
    std::size_t spent = 0;
    here.run([](auto& place, std::size_t& allocated) -> task<> {
        auto opened = co_await folder::open(place.path().string());
        const folder root = std::move(opened.value());
        const http::media_types types;
        http::file_server_options options;
        options.cache_time = std::chrono::hours(1);
        http::file_server program(root, types, options);
        http::server server(std::ref(program));
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope accepting;
        accepting.spawn(accept_on(server, listener));
        auto client = co_await connect(listener.local_endpoint().value());
        REQUIRE(client);
        const std::string one = "GET /file HTTP/1.1\r\nHost: a\r\n\r\n";
        for (int round = 0; round < 50; ++round) {
            co_await ask(*client, one, 1);
            co_await ask(*client, one + one + one, 3);
        }
        const std::string many = one + one + one;
        const std::size_t before = tests::allocations();
        for (int round = 0; round < 300; ++round) {
            co_await ask(*client, one, 1);
            co_await ask(*client, many, 3);
        }
        allocated = tests::allocations() - before;
        client->close();
        accepting.stop();
        co_await accepting.join();
        co_await server.drain();
    }(files, spent));
    CHECK(spent < 20); // 1,200 requests; the head is made anew once a second
}
