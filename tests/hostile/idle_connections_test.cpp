// As many connections as a busy server has, most of them idle.

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

#include "helpers.hpp"
#include "runtime/helpers.hpp"

using namespace tests;

TEST_CASE("fifteen thousand idle connections cost little memory, and another client is served beside them") {
    constexpr std::size_t connections = 15'000;
    constexpr std::size_t bound_for_each = 4096; // a single receive buffer for each would be more
    if (tuyau::system::raise_descriptor_limit() < connections + 100)
        SKIP("fewer descriptors than fifteen thousand connections need (ulimit -Hn)");

    http_server server({"--max-connections", "20000", "--idle-timeout", "1000"});
    good_client good(server);
    good.check_served();
    const std::size_t descriptors = server.program().descriptors();
    const std::size_t memory = server.program().memory();
    std::size_t first_time = 0;
    for (const char* time : {"first", "second"}) {
        INFO(time);
        std::vector<std::unique_ptr<socket_client>> clients;
        for (std::size_t number = 0; number < connections; ++number) {
            clients.push_back(connect_with({.source = source_address(number)}, server.port()));
            if (number % 2 == 0) { // the others say nothing at all
                clients.back()->send(get);
                REQUIRE(clients.back()->receive_until("</html>\n").starts_with(found));
            }
            // No more than the backlog holds: accepted after all of the above, it is answered.
            if (number % 1000 == 999) server.check_alive();
        }
        CHECK(eventually([&] { return server.program().descriptors() == descriptors + connections; }));
        for (int number = 0; number < 100; ++number) good.check_served();
        const std::size_t used = std::max(server.program().memory(), memory) - memory;
        std::cout << "memory per idle connection, the " << time << " time: " << used / connections << " bytes\n";
        if (memory_tells) {
            CHECK(used < connections * bound_for_each);
            if (first_time != 0) CHECK(used < first_time + first_time / 10); // what the first ones had is used again
        }
        first_time = used;
        // One of the oldest and one of the youngest are served as ever.
        for (const std::size_t index : {std::size_t{0}, connections - 2}) {
            clients[index]->send(get);
            CHECK(clients[index]->receive_until("</html>\n").starts_with(found));
        }
        clients.clear();
        CHECK(descriptors_return(server, descriptors));
    }
    good.check_served();
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}
