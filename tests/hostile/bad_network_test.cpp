// A network that loses, delays and shuffles packets: TCP mends it, in pieces of all sizes and in its own time, and what
// arrives is whole.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"
#include "network.hpp"

using namespace std::chrono_literals;
using namespace tests;

namespace {

constexpr quality as_bad_as_it_gets{.lost = 0.05, .delay = 50ms, .jitter = 20ms};
constexpr std::uint64_t seed = 4;

/// A line of one kind; the test is skipped where there can be none.
std::unique_ptr<bad_line> line(bool netem) {
    std::string why_not;
    try {
        return netem ? line_by_netem(as_bad_as_it_gets) : line_by_hand(as_bad_as_it_gets, seed);
    } catch (const no_network& why) {
        why_not = why.what();
    }
    SKIP(why_not);
    return nullptr;
}

/// The server at the left end of the line; its clients come from the right.
std::unique_ptr<http_server> serve_at(const bad_line& line) {
    inside here(line.left());
    return std::make_unique<http_server>(std::vector<std::string>{"--listen", line.left_address + ":0"});
}

void check_answers_arrive_whole(bool netem) {
    constexpr std::size_t requests = 60;
    const auto between = line(netem);
    const auto server = serve_at(*between);
    const std::size_t descriptors = server->program().descriptors();
    {
        inside there(between->right());
        std::vector<std::unique_ptr<process>> programs;
        for (int number = 0; number < 5; ++number)
            programs.push_back(
                std::make_unique<process>(std::vector<std::string>{program("uring-client"), server->url()}));
        std::vector<std::unique_ptr<socket_client>> clients;
        for (int number = 0; number < 10; ++number)
            clients.push_back(std::make_unique<socket_client>(server->address(), server->port()));
        for (const auto& each : clients) each->send(series(requests));
        for (const auto& each : clients) each->shutdown_send();
        for (const auto& each : clients) {
            REQUIRE(answers_in(each->receive_all()) == requests);
            CHECK_FALSE(each->was_reset());
        }
        for (const auto& each : programs) {
            CHECK(each->read_output().ends_with("</html>\n"));
            CHECK(each->wait() == 0);
        }
        clients.clear();
        CHECK(descriptors_return(*server, descriptors));
    }
    CHECK(server->end() == 0);
    CHECK(server->program().read_errors().empty());
}

void check_broken_line_lets_go(bool netem) {
    const auto between = line(netem);
    inside here(between->left());
    http_server server({"--listen", between->left_address + ":0", "--idle-timeout", "2", "--header-timeout", "2",
                        "--body-timeout", "2", "--send-timeout", "2"});
    const std::size_t descriptors = server.program().descriptors();
    const std::vector<std::string> ways{"", get.substr(0, 20), series(2'000),
                                        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"};
    std::vector<std::unique_ptr<socket_client>> clients;
    {
        inside there(between->right());
        for (std::size_t number = 0; number < 12; ++number) {
            clients.push_back(std::make_unique<socket_client>(server.address(), server.port()));
            clients.back()->send_some(ways[number % ways.size()]);
        }
    }
    clients[10]->receive(); // its answers are on their way
    between->cut();
    CHECK(descriptors_return(server, descriptors));
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}

} // namespace

TEST_CASE("answers arrive whole and in order over a line that loses a packet in twenty, by tc netem") {
    check_answers_arrive_whole(true);
}

TEST_CASE("answers arrive whole and in order over a line that loses a packet in twenty, by hand") {
    check_answers_arrive_whole(false);
}

TEST_CASE("clients behind a line that breaks are let go when their time is up, while others are served, by tc netem") {
    check_broken_line_lets_go(true);
}

TEST_CASE("clients behind a line that breaks are let go when their time is up, while others are served, by hand") {
    check_broken_line_lets_go(false);
}
