// A hundred thousand requests by programs of which half are killed in the middle: nothing of them stays behind.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"
#include "support/temporary_folder.hpp"

using namespace tests;

namespace {

constexpr std::size_t requests_of_each = 500;
constexpr std::size_t at_once = 20;

/// Programs that all ask at once. Every second one is killed after it has been answered a little; the others get all.
void ask_and_die(const http_server& server, std::size_t times, std::minstd_rand& random) {
    const std::string small = series(requests_of_each);
    std::string large;
    for (int number = 0; number < 10; ++number) large += "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    for (std::size_t time = 0; time < times; ++time) {
        std::vector<std::unique_ptr<process>> clients;
        while (clients.size() < at_once) {
            clients.push_back(std::make_unique<process>(std::vector<std::string>{
                program("uring-client"), "tcp", server.address(), std::to_string(server.port())}));
            const std::size_t index = clients.size() - 1;
            clients.back()->write(index % 4 == 3 ? large : small);
            if (index % 2 == 0) clients.back()->close_input();
        }
        for (std::size_t index = 1; index < at_once; index += 2) {
            const std::size_t seen = random() % 3; // of what it is answered
            for (std::size_t piece = 0; piece < seen; ++piece) clients[index]->read_until("HTTP/1.1 200 OK");
            clients[index].reset();
        }
        for (std::size_t index = 0; index < at_once; index += 2) {
            REQUIRE(answers_in(clients[index]->read_output()) == requests_of_each);
            REQUIRE(clients[index]->wait() == 0);
        }
    }
}

} // namespace

TEST_CASE("a hundred thousand requests, with clients killed at random, leave descriptors and memory as they were") {
    constexpr std::size_t times = 20; // 100,000 requests are answered to the end, and as many are not
    constexpr std::size_t bound = 1024 * 1024;
    const temporary_folder files;
    files.write("index.html", std::string(1000, 'a') + "</html>\n");
    files.write("large", std::string(3'000'000, 'a'));
    std::minstd_rand random(1);

    http_server server({"--root", files.path().string()});
    good_client good(server);
    good.check_served();
    // Each of its threads then keeps the large file open.
    const std::size_t descriptors = server.program().descriptors() + std::max(1u, std::thread::hardware_concurrency());
    ask_and_die(server, 4, random); // whatever is kept to be used again is there from now on
    REQUIRE(descriptors_return(server, descriptors));
    const std::size_t memory = server.program().memory();

    ask_and_die(server, times, random);
    CHECK(descriptors_return(server, descriptors));
    if (memory_tells) CHECK(server.program().memory() < memory + bound);
    good.check_served();
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}
