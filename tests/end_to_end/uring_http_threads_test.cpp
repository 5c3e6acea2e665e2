// uring-http with several threads: one port, one program, one end.

#include <algorithm>
#include <csignal>
#include <deque>
#include <list>
#include <string>
#include <vector>

#include <poll.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "runtime/helpers.hpp"
#include "support/http_server.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"

using tests::found;
using tests::get;
using tests::http_server;
using tests::socket_client;

namespace {

/// So many that no thread is without one: for each of two the odds are 2^-40.
constexpr int many = 40;

bool has_something(const socket_client& client) {
    pollfd waited{client.fd(), POLLIN, 0};
    return poll(&waited, 1, 0) != 0;
}

/// Clients who have been answered once, and have sent `more` since.
std::deque<socket_client> answered_clients(const http_server& server, const std::string& more = {}) {
    std::deque<socket_client> clients;
    for (int number = 0; number < many; ++number) {
        socket_client& each = clients.emplace_back("127.0.0.1", server.port());
        each.send(get + more);
        CHECK(each.receive_until("</html>").starts_with(found));
    }
    return clients;
}

} // namespace

TEST_CASE("several threads serve one port, as many as are asked for") {
    http_server server({"--threads", "3"});
    const http_server smaller({"--threads", "2"}); // a sanitizer has a thread of its own where there are several
    CHECK(server.program().threads() == smaller.program().threads() + 1);
    auto clients = answered_clients(server);
    for (socket_client& each : clients) each.send(get);
    for (socket_client& each : clients) CHECK(each.receive_until("</html>").starts_with(found));
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}

TEST_CASE("the bound on connections is one for all threads, whichever of them the clients come to") {
    constexpr int bound = many / 2;
    http_server server({"--threads", "4", "--max-connections", std::to_string(bound)});
    std::list<socket_client> clients;
    for (int number = 0; number < many; ++number) clients.emplace_back("127.0.0.1", server.port()).send(get);
    const auto answered = [&] { return std::count_if(clients.begin(), clients.end(), has_something); };
    CHECK(tests::eventually([&] { return answered() == bound; }));
    while (!clients.empty()) { // who has an answer leaves, and another takes the place
        CHECK(answered() <= bound);
        const auto next = std::find_if(clients.begin(), clients.end(), has_something);
        if (next == clients.end()) continue;
        CHECK(next->receive_until("</html>").starts_with(found));
        clients.erase(next);
    }
    CHECK(server.end() == 0);
}

TEST_CASE("asked to end, each of several threads closes what is idle and finishes what is under way") {
    http_server server({"--threads", "2"});
    auto idle = answered_clients(server);
    auto busy = answered_clients(server, get.substr(0, 10));
    server.program().signal(SIGTERM);
    for (socket_client& each : idle) CHECK(each.receive_all().empty());
    for (socket_client& each : busy) {
        each.send(get.substr(10));
        CHECK(each.receive_all().starts_with(found));
    }
    CHECK(server.program().wait() == 0);
    CHECK(server.program().read_errors().empty());
}

TEST_CASE("a drain of several threads ends in its time, or at once at a second signal") {
    const bool twice = GENERATE(true, false);
    http_server server({"--threads", "2", "--drain-timeout", twice ? "1000" : "0.05"});
    auto idle = answered_clients(server);
    auto busy = answered_clients(server, "GET /");
    server.program().signal(SIGTERM);
    for (socket_client& each : idle) CHECK(each.receive_all().empty());
    if (twice) server.program().signal(SIGTERM);
    CHECK(server.program().wait() == 0);
    CHECK(server.program().read_errors().find("broken off") != std::string::npos);
}

TEST_CASE("a port that is shared by threads is not shared with another program") {
    http_server server({"--threads", "2"});
    const std::string where = "127.0.0.1:" + std::to_string(server.port());
    for (const char* threads : {"1", "2"}) {
        const auto second = tests::run({tests::program("uring-http"), "--listen", where, "--threads", threads});
        CHECK(second.code == 1);
        CHECK(second.errors.find("Address already in use") != std::string::npos);
    }
    server.check_alive();
}

TEST_CASE("too few descriptors for so many threads is one clear line and an exit code") {
    for (const char* descriptors : {"24", "100"}) {
        const auto ended = tests::run({"sh", "-c", std::string("ulimit -n ") + descriptors + "; exec \"$0\" \"$@\"",
                                       tests::program("uring-http"), "--listen", "127.0.0.1:0", "--threads", "64"});
        INFO(ended.errors);
        CHECK(ended.code == 1);
        CHECK(ended.errors.find("ulimit -n") != std::string::npos);
        CHECK(ended.errors.find('\n') == ended.errors.size() - 1);
        CHECK(ended.output.empty());
    }
}
