// Programs that stand still in the middle of a conversation (SIGSTOP), and go on later.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

using namespace tests;

TEST_CASE("a client that is stopped in the middle of its answers holds up nobody, and has them all when it goes on") {
    // Their answers are more than sockets and pipes hold.
    constexpr std::size_t requests = 12'000;
    http_server server({"--send-timeout", "1000"});
    good_client good(server);
    process client({program("uring-client"), "tcp", "127.0.0.1", std::to_string(server.port())});
    std::thread asking([&] {
        client.write(series(requests));
        client.close_input();
    });
    std::string got = client.read_until("</html>\n");
    for (int time = 0; time < 3; ++time) {
        client.stop();
        for (int number = 0; number < 100; ++number) good.check_served();
        server.check_alive();
        client.resume();
        got += client.read_until("</html>\n");
    }
    got += client.read_output();
    asking.join();
    CHECK(answers_in(got) == requests);
    CHECK(client.wait() == 0);
    CHECK(server.end() == 0);
}

TEST_CASE("clients of a server that is stopped wait, whatever they were about, and are served when it goes on") {
    constexpr std::size_t each_kind = 100;
    http_server server;
    good_client good(server);
    good.check_served();
    const std::size_t descriptors = server.program().descriptors();
    std::vector<std::unique_ptr<socket_client>> clients;
    const auto connect_more = [&] {
        for (std::size_t number = 0; number < each_kind; ++number)
            clients.push_back(std::make_unique<socket_client>("127.0.0.1", server.port()));
    };
    for (int time = 0; time < 3; ++time) {
        connect_more();
        for (const auto& each : clients) each->send(get.substr(0, 20));
        server.check_alive();
        server.program().stop();
        connect_more();
        for (std::size_t index = each_kind; index < clients.size(); ++index) clients[index]->send(get.substr(0, 20));
        for (const auto& each : clients) each->send(get.substr(20) + last_get);
        process ours({program("uring-client"), server.url()});
        for (std::size_t index = 0; index < clients.size(); index += 10) clients[index]->reset();
        server.program().resume();
        for (std::size_t index = 0; index < clients.size(); ++index)
            if (index % 10 != 0) REQUIRE(answers_in(clients[index]->receive_all()) == 2);
        CHECK(ours.read_output().ends_with("</html>\n"));
        CHECK(ours.wait() == 0);
        good.check_served();
        clients.clear();
    }
    CHECK(descriptors_return(server, descriptors));
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}

TEST_CASE("a server that was stopped for longer than its clients have time answers what had come, or closes") {
    http_server server({"--header-timeout", "0.05", "--idle-timeout", "0.05", "--body-timeout", "0.05"});
    for (int time = 0; time < 5; ++time) {
        std::vector<std::unique_ptr<socket_client>> clients;
        for (int number = 0; number < 100; ++number)
            clients.push_back(std::make_unique<socket_client>("127.0.0.1", server.port()));
        for (std::size_t index = 0; index < clients.size(); index += 2) clients[index]->send(get.substr(0, 20));
        server.program().stop();
        for (std::size_t index = 0; index < clients.size(); ++index) try {
                clients[index]->send(index % 2 == 0 ? get.substr(20) : get);
            } catch (const std::runtime_error&) {
                // Its time was up before the server stood still.
            }
        poll(nullptr, 0, 100); // their time passes
        server.program().resume();
        for (const auto& each : clients) {
            const std::string got = each->receive_all();
            if (!got.empty()) CHECK(got.size() == response_size(got));
        }
        server.check_alive();
    }
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}
