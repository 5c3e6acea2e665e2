// Clients that ask for much and read nothing: each holds back itself alone, in bounded memory, and loses nothing.

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

using namespace tests;

namespace {

constexpr std::size_t request_size = 1000;

struct slow_reader {
    std::unique_ptr<socket_client> connection;
    std::size_t sent = 0; // bytes of the series
};

/// Lets them all ask on until the server takes no more from any of them.
void fill(std::vector<slow_reader>& readers, const std::string& requests, good_client& good) {
    constexpr int still = 5; // rounds in which nothing is taken, each with another client's request answered
    for (int quiet = 0; quiet < still; ++quiet) {
        for (slow_reader& each : readers) {
            const std::size_t taken = each.connection->send_some(requests.substr(each.sent, 64 * 1024));
            each.sent += taken;
            REQUIRE(each.sent < requests.size());
            if (taken != 0) quiet = 0;
        }
        good.check_served();
    }
}

} // namespace

TEST_CASE("clients that never read what they ask for hold back nobody else, and get all of it once they read") {
    constexpr std::size_t slow = 200;
    constexpr std::size_t patient = 20; // of them, those that read in the end
    // Of each: sixteen buffers unread, the 64 KiB that may come before the kernel is told to bring no more, and the answers to
    // what was in one buffer. Each asks for megabytes.
    constexpr std::size_t bound_for_each = (64 + 64 + 32) * 1024;

    http_server server({"--send-timeout", "1000"});
    good_client good(server);
    good.check_served();
    const std::size_t descriptors = server.program().descriptors();
    const std::size_t memory = server.program().memory();

    const std::string requests = series(5'000, request_size);
    std::vector<slow_reader> readers(slow);
    // As over Ethernet: on loopback's large packets a socket would take megabytes ahead of its reader.
    for (slow_reader& each : readers)
        each.connection = connect_with({.receive_buffer = 4096, .segment = 1460}, server.port());
    fill(readers, requests, good);

    for (int number = 0; number < 500; ++number) good.check_served();
    for (int number = 0; number < 50; ++number) server.check_alive();
    if (memory_tells) CHECK(server.program().memory() < memory + slow * bound_for_each);

    for (std::size_t index = 0; index < patient; ++index) {
        slow_reader& reader = readers[index];
        reader.connection->shutdown_send();
        // One request in the middle of which the socket was full is not answered.
        REQUIRE(answers_in(reader.connection->receive_all()) == reader.sent / request_size);
        CHECK_FALSE(reader.connection->was_reset());
    }
    readers.clear(); // closed with answers unread, which resets them
    CHECK(descriptors_return(server, descriptors));
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}
