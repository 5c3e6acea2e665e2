// Connections that come and go by the thousand, used or not, leave nothing behind.

#include <memory>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

using namespace tests;

namespace {

constexpr std::size_t at_once = 100;

/// Uses a connection in one of the ways in which clients do, then lets the peer answer.
void use(socket_client& client, std::size_t way, std::size_t page) {
    switch (way % 6) {
    case 0: return; // not at all
    case 1:
        client.send(get);
        REQUIRE(client.receive_exactly(page).size() == page);
        return;
    case 2:
        client.send(last_get);
        REQUIRE(answers_in(client.receive_all()) == 1);
        return;
    case 3: return client.send(get.substr(0, 20)); // leaves in the middle of a request
    case 4:
        client.send(get + get);
        client.shutdown_send();
        REQUIRE(client.receive_all().size() == 2 * page);
        return;
    default: return client.shutdown_send();
    }
}

void come_and_go(const http_server& server, std::size_t count, std::size_t page) {
    for (std::size_t number = 0; number < count;) {
        std::vector<std::unique_ptr<socket_client>> clients;
        for (std::size_t index = 0; index < at_once; ++index, ++number)
            clients.push_back(connect_with({.source = source_address(number)}, server.port()));
        for (std::size_t index = 0; index < at_once; ++index) use(*clients[index], index, page);
    }
}

} // namespace

TEST_CASE("twenty thousand connections come and go, and leave neither descriptors nor memory behind") {
    constexpr std::size_t connections = 20'000;
    // Less than the smallest thing that could be kept for each.
    constexpr std::size_t kept_by_each = 16;

    http_server server;
    socket_client first("127.0.0.1", server.port());
    first.send(get);
    const std::size_t page = first.receive_until("</html>\n").size();
    const std::size_t descriptors = server.program().descriptors();
    come_and_go(server, 2'000, page); // whatever is kept to be used again is there from now on
    REQUIRE(descriptors_return(server, descriptors));
    const std::size_t memory = server.program().memory();

    come_and_go(server, connections, page);
    CHECK(descriptors_return(server, descriptors));
    if (memory_tells) CHECK(server.program().memory() < memory + connections * kept_by_each);
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}
