// Ten thousand clients that mean ill, each slow in another part of an exchange: they are dropped when their time is up, and
// those who behave are served all the while.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

#include "helpers.hpp"
#include "support/temporary_folder.hpp"

using namespace tests;

namespace {

constexpr std::size_t wanted = 10'000;

using attackers = std::vector<std::unique_ptr<socket_client>>;

/// As many as there are descriptors for, here and in the server, where each takes so many.
std::size_t number_of_attackers(std::size_t descriptors_of_each) {
    constexpr std::size_t others = 200;
    const std::size_t descriptors = tuyau::system::raise_descriptor_limit();
    if (descriptors < 10 * others) SKIP("too few descriptors for an attack (ulimit -Hn)");
    return std::min(wanted, (descriptors - others) / descriptors_of_each);
}

/// Connects them all, each of which says `opening`, beside a good client.
attackers begin_attack(std::size_t count, const http_server& server, good_client& good, const connect_options& options,
                       const std::string& opening) {
    attackers all;
    while (all.size() < count) {
        connect_options own = options;
        own.source = source_address(all.size());
        all.push_back(connect_with(own, server.port()));
        all.back()->send(opening);
        if (all.size() % 200 != 0) continue;
        server.check_alive(); // no more wait than the backlog holds: it was accepted after them
        good.check_served();
    }
    return all;
}

/// Lets each do a little, time and again, until it is dropped; good clients are answered meanwhile.
void outlast(attackers& all, const http_server& server, good_client& good,
             const std::function<bool(socket_client&)>& has_ended) {
    while (!all.empty()) {
        for (std::size_t index = 0; index < all.size();) {
            bool ended = false;
            try {
                ended = has_ended(*all[index]);
            } catch (const std::runtime_error&) {
                ended = true; // a connection that was reset
            }
            if (ended) {
                std::swap(all[index], all.back());
                all.pop_back();
            } else {
                ++index;
            }
            if (index % 500 == 0) good.check_served();
        }
        good.check_served();
        server.check_alive();
    }
}

std::vector<std::string> options_with(std::vector<std::string> more) {
    more.insert(more.end(), {"--max-connections", "20000"});
    return more;
}

void check_end(http_server& server, std::size_t descriptors) {
    CHECK(descriptors_return(server, descriptors));
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}

} // namespace

TEST_CASE("ten thousand clients that send their header sections a byte at a time are dropped, each told why") {
    http_server server(options_with({"--header-timeout", "2"}));
    good_client good(server);
    good.check_served();
    const std::size_t descriptors = server.program().descriptors();
    auto all = begin_attack(number_of_attackers(1), server, good, {}, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
    std::size_t told = 0;
    const std::size_t count = all.size();
    outlast(all, server, good, [&told](socket_client& each) {
        if (!has_something(each)) {
            each.send_some("a");
            return false;
        }
        const std::string last = each.receive_all();
        CHECK((last.empty() || last.starts_with("HTTP/1.1 408 ")));
        told += last.empty() ? 0 : 1;
        return true;
    });
    // To one who sends on meanwhile the news may be lost to the reset that answers it.
    CHECK(told > count / 2);
    check_end(server, descriptors);
}

TEST_CASE("ten thousand clients that send their bodies a byte at a time are dropped") {
    http_server server(options_with({"--body-timeout", "2"}));
    good_client good(server);
    good.check_served();
    const std::size_t descriptors = server.program().descriptors();
    auto all = begin_attack(number_of_attackers(1), server, good, {},
                            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    outlast(all, server, good, [](socket_client& each) {
        if (!has_something(each)) {
            each.send_some("a");
            return false;
        }
        const std::string last = each.receive_all();
        CHECK((last.empty() || last.starts_with("HTTP/1.1 4")));
        return true;
    });
    check_end(server, descriptors);
}

TEST_CASE("ten thousand clients that take a large file a byte at a time, or not at all, are dropped") {
    // Of each: what is on its way from the file to its socket, and its coroutines.
    constexpr std::size_t bound_for_each = 96 * 1024;
    const temporary_folder files;
    files.write("large", std::string(8 * 1024 * 1024, 'a'));
    files.write("index.html", "<p>hello</p></html>\n");
    http_server server(options_with({"--send-timeout", "2", "--root", files.path().string()}));
    good_client good(server);
    good.check_served();
    const std::size_t descriptors = server.program().descriptors();
    const std::size_t memory = server.program().memory();
    // As over Ethernet: on loopback's large packets a socket would take megabytes ahead of its reader.
    auto all = begin_attack(number_of_attackers(2), server, good, {.receive_buffer = 4096, .segment = 1460},
                            "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    if (memory_tells) CHECK(server.program().memory() < memory + all.size() * bound_for_each);
    // A file's descriptor goes with its connection: what is left belongs to who has not been dropped.
    const std::size_t nobody = descriptors + all.size() / 100;
    std::size_t next = 0;
    while (server.program().descriptors() > nobody) {
        for (int few = 0; few < 100; ++few) {
            socket_client& each = *all[next++ % (all.size() / 2)]; // the other half reads nothing
            if (has_something(each)) each.receive_exactly(1);
        }
        good.check_served();
        server.check_alive();
    }
    all.clear();
    check_end(server, descriptors);
}
