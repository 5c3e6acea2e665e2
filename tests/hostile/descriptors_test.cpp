// Fewer descriptors than there are clients: who has a connection is served on it, the others wait for theirs.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"
#include "runtime/helpers.hpp"

using namespace tests;

namespace {

std::vector<std::string> with_descriptors(std::size_t count) {
    return {"prlimit", "--nofile=" + std::to_string(count) + ":" + std::to_string(count)};
}

/// How many of the first `limit` descriptors a program has not taken. Those that whoever runs the tests has left open may
/// lie beyond it.
std::size_t room_of(const process& program, std::size_t limit) {
    std::size_t room = limit;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(program.id()) + "/fd"))
        if (std::stoul(entry.path().filename()) < limit) --room;
    return room;
}

std::vector<std::unique_ptr<socket_client>> connect_many(std::size_t count, std::uint16_t port) {
    std::vector<std::unique_ptr<socket_client>> clients;
    while (clients.size() < count) clients.push_back(std::make_unique<socket_client>("127.0.0.1", port));
    return clients;
}

} // namespace

TEST_CASE("idle connections have all descriptors: others wait, and are served in turn as there is room") {
    constexpr std::size_t limit = 64;
    constexpr std::size_t generations = 4;
    http_server server({}, with_descriptors(limit));
    const std::size_t room = room_of(server.program(), limit);
    auto clients = connect_many(generations * room, server.port());
    for (const auto& each : clients) each->send(get);
    std::string page;
    for (std::size_t generation = 0; generation < generations; ++generation) {
        const std::size_t first = generation * room;
        for (std::size_t index = first; index < first + room; ++index) {
            socket_client& client = *clients[index];
            if (page.empty())
                page = client.receive_until("</html>\n");
            else
                REQUIRE(client.receive_exactly(page.size()).size() == page.size());
            client.send(get);
            REQUIRE(client.receive_exactly(page.size()).size() == page.size());
        }
        CHECK(room_of(server.program(), limit) == 0);
        for (std::size_t index = first + room; index < clients.size(); ++index)
            REQUIRE(!has_something(*clients[index]));
        if (generation + 1 == generations) break;
        for (std::size_t index = first; index < first + room; ++index) {
            if (index % 2 == 0) clients[index]->reset();
            clients[index].reset();
        }
    }
    // Short of descriptors it ends as at any other time.
    const auto waiting = connect_many(room, server.port());
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}

TEST_CASE("a chat without a descriptor left welcomes the next client when one leaves") {
    constexpr std::size_t limit = 32;
    chat_server chat(with_descriptors(limit));
    const std::size_t room = room_of(chat.program(), limit);
    auto clients = connect_many(2 * room, chat.port());
    for (std::size_t index = 0; index < room; ++index) {
        const std::string name = "you are client " + std::to_string(index + 1) + ";";
        REQUIRE(clients[index]->receive_until(name).find(name) != std::string::npos);
    }
    for (std::size_t index = 0; index < room; ++index) {
        REQUIRE(!has_something(*clients[room + index]));
        clients[index].reset();
        const std::string name = "you are client " + std::to_string(room + index + 1) + ";";
        REQUIRE(clients[room + index]->receive_until(name).find(name) != std::string::npos);
    }
    CHECK(chat.end() == 0);
}

TEST_CASE("uring-client with few descriptors gets the whole page, or says in one line that it has too few") {
    http_server server;
    const auto whole = run({program("uring-client"), server.url()}).output;
    const std::string localhost = "http://localhost:" + std::to_string(server.port()) + "/";
    for (const std::string& url : {server.url(), localhost}) {
        bool fetched = false;
        for (std::size_t limit = 4; limit <= 16; ++limit) {
            auto command = with_descriptors(limit);
            command.insert(command.end(), {program("uring-client"), url});
            const auto got = run(command);
            // The dynamic linker's own complaint comes before the program begins.
            if (got.errors.find("error while loading shared libraries") != std::string::npos) continue;
            INFO(url << " with " << limit << " descriptors: " << got.errors);
            if (got.code == 0) {
                CHECK(got.output == whole);
                CHECK(got.errors.empty());
            } else {
                CHECK_FALSE(fetched); // more descriptors are no worse
                CHECK(got.output.empty());
                CHECK(std::count(got.errors.begin(), got.errors.end(), '\n') == 1);
                CHECK(got.errors.find("ulimit -n") != std::string::npos);
            }
            fetched = got.code == 0;
        }
        CHECK(fetched);
    }
}
