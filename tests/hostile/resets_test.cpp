// Clients that break their connections off by a reset, at every stage of a conversation and by the hundred, while others
// are served.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "helpers.hpp"
#include "runtime/helpers.hpp"

using namespace tests;

namespace {

struct stage {
    const char* name;
    std::size_t connections;
    std::function<void(socket_client&)> reach;
};

/// More than fits into a socket: the server has to wait for who asks for it.
const std::string& large_series() {
    static const std::string text = series(500, 1000);
    return text;
}

std::vector<stage> stages() {
    return {
        {"connected", 3'000, [](socket_client&) {}},
        {"in the first line", 1'000, [](socket_client& client) { client.send("GET /"); }},
        {"in the head, after an answer", 1'000,
         [](socket_client& client) {
             client.send(get + get.substr(0, 20));
             client.receive_until("</html>\n");
         }},
        {"in a body", 1'000,
         [](socket_client& client) { client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"); }},
        {"in a chunk", 1'000,
         [](socket_client& client) {
             client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400\r\nabc");
         }},
        {"invited to send its body", 1'000,
         [](socket_client& client) {
             client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
             client.receive_until("100 Continue\r\n\r\n");
         }},
        {"with an answer on its way", 1'000, [](socket_client& client) { client.send(get); }},
        {"with pipelined requests", 1'000, [](socket_client& client) { client.send(series(100)); }},
        {"in answers that the server cannot get rid of", 200,
         [](socket_client& client) {
             client.send_some(large_series());
             client.receive();
         }},
        {"after the last answer, while the server waits for the end", 1'000,
         [](socket_client& client) {
             client.send(last_get);
             client.receive_until("</html>\n");
         }},
        {"refused, with more on its way", 1'000,
         [](socket_client& client) { client.send("garbage\r\n\r\n" + std::string(10'000, 'x')); }},
    };
}

} // namespace

TEST_CASE("a storm of resets, whatever stage it comes at, costs nobody else anything") {
    const stage when = GENERATE(Catch::Generators::from_range(stages()));
    INFO(when.name);
    // Only by noticing the reset does the server let go of a connection: no time is up while the test lasts.
    http_server server(
        {"--header-timeout", "1000", "--body-timeout", "1000", "--idle-timeout", "1000", "--send-timeout", "1000"});
    good_client good(server);
    good.check_served();
    const std::size_t descriptors = server.program().descriptors();
    for (std::size_t number = 0; number < when.connections;) {
        std::vector<std::unique_ptr<socket_client>> clients;
        for (int index = 0; index < 50; ++index, ++number) {
            clients.push_back(connect_with({.receive_buffer = 4096}, server.port()));
            when.reach(*clients.back());
            if (index % 2 == 0) clients.back()->reset(); // the others all at the same time
        }
        for (int index = 1; index < 50; index += 2) clients[static_cast<std::size_t>(index)]->reset();
        good.check_served();
    }
    CHECK(descriptors_return(server, descriptors));
    good.check_served();
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}

TEST_CASE("visitors of the chat who break off cost those who stay no message") {
    chat_server chat;
    socket_client talker("127.0.0.1", chat.port());
    talker.receive_until("you are client 1;");
    socket_client listener("127.0.0.1", chat.port());
    listener.receive_until("you are client 2;");
    const std::size_t descriptors = chat.program().descriptors();
    std::string heard;
    for (int number = 0; number < 500; ++number) {
        socket_client visitor("127.0.0.1", chat.port());
        if (number % 4 == 1) visitor.send("half a li");
        if (number % 4 == 2) visitor.send("a line\n");
        if (number % 4 == 3) visitor.receive_until("welcome");
        visitor.reset();
        const std::string line = "message " + std::to_string(number);
        talker.send(line + "\n");
        heard += listener.receive_until("client 1: " + line + "\n");
    }
    // What the talker said, out of all that was heard.
    int messages = 0;
    for (std::size_t at = heard.find("client 1: "); at != std::string::npos; at = heard.find("client 1: ", at + 1)) {
        const std::string expected = "client 1: message " + std::to_string(messages++) + "\n";
        REQUIRE(heard.compare(at, expected.size(), expected) == 0);
    }
    CHECK(messages == 500);
    CHECK(eventually([&] { return chat.program().descriptors() <= descriptors; }));
    CHECK(chat.end() == 0);
}
