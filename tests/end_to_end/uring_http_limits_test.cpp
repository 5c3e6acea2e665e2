// Each limit of uring-http: who is past it hears so, or is dropped, and others are served.

#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <poll.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "runtime/helpers.hpp"
#include "support/http_server.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"
#include "support/temporary_folder.hpp"

using namespace tests;

namespace {

std::string status_of(const std::string& answer) { return answer.substr(answer.find(' ') + 1, 3); }

bool has_ended(const socket_client& client) {
    pollfd waited{client.fd(), POLLRDHUP, 0};
    return ::poll(&waited, 1, 0) != 0;
}

} // namespace

TEST_CASE("past the bound on connections of one address a client gets a 503 at once, and a place once another leaves") {
    http_server server({"--max-per-address", "2", "--listen", "127.0.0.1:0"});
    auto first = std::make_unique<socket_client>("127.0.0.1", server.port());
    socket_client second("127.0.0.1", server.port());
    for (socket_client* each : {first.get(), &second}) {
        each->send(get);
        CHECK(each->receive_until("</html>").starts_with(found));
    }
    socket_client third("127.0.0.1", server.port());
    const std::string refused = third.receive_all();
    CHECK(status_of(refused) == "503");
    CHECK(refused.find("Connection: close\r\n") != std::string::npos);
    CHECK(refused.find("too many connections from your address") != std::string::npos);
    first.reset();
    CHECK(eventually([&] {
        try {
            return server.ask(last_get).starts_with(found);
        } catch (const std::runtime_error&) {
            return false; // refused before it had sent its request
        }
    }));
    second.send(get);
    CHECK(second.receive_until("</html>").starts_with(found));
    second.reset();
    CHECK(server.end() == 0);
}

TEST_CASE("after its last request a connection closes, which the response says") {
    http_server server({"--max-requests", "3"});
    socket_client client("127.0.0.1", server.port());
    client.send(get + get + get + get);
    const std::string got = client.receive_all();
    std::size_t answers = 0;
    for (auto at = got.find(found); at != std::string::npos; at = got.find(found, at + 1)) ++answers;
    CHECK(answers == 3);
    CHECK(got.rfind("Connection: close\r\n") > got.rfind(found));
    CHECK(got.find("Connection: close\r\n") == got.rfind("Connection: close\r\n"));
    server.check_alive();
}

TEST_CASE("a target, a header section and a body past their limits are refused, each with its status") {
    http_server server({"--max-target", "100", "--max-header", "1000", "--max-fields", "5", "--max-body", "10"});
    const auto ask = [&](const std::string& target, const std::string& fields) {
        return status_of(
            server.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + "\r\n"));
    };
    CHECK(ask("/?" + std::string(98, 'a'), {}) == "200");
    CHECK(ask("/?" + std::string(99, 'a'), {}) == "414");
    CHECK(ask("/", "A: " + std::string(900, 'a') + "\r\n") == "200");
    CHECK(ask("/", "A: " + std::string(1000, 'a') + "\r\n") == "431");
    CHECK(ask("/", "A: 1\r\nB: 2\r\nC: 3\r\n") == "200");
    CHECK(ask("/", "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n") == "431");
    CHECK(ask("/", "Content-Length: 11\r\n") == "413");
    server.check_alive();
}

TEST_CASE("a body that comes slower than its rate is dropped, and one that comes as fast is not") {
    // A second to wait in all; a byte earns a hundredth of one, or next to nothing.
    const bool fast = GENERATE(true, false);
    http_server server({"--body-timeout", "1", "--body-rate", fast ? "1" : "1000000"});
    socket_client client("127.0.0.1", server.port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 15\r\n\r\n");
    std::size_t sent = 0;
    for (; sent < 15 && !has_ended(client); ++sent) {
        client.send("a");
        poll(nullptr, 0, 100);
    }
    CHECK((sent == 15) == fast);
    CHECK(status_of(client.receive_all()) == (fast ? "405" : "408"));
    server.check_alive();
}

TEST_CASE("a client that takes its response a byte at a time, or not at all, is dropped when its time is up") {
    const bool reads = GENERATE(true, false);
    const bool from_memory = GENERATE(true, false);
    constexpr std::size_t size = 20'000'000; // more than sockets hold
    const temporary_folder files;
    files.write("file", std::string(from_memory ? 200'000 : size, 'a'));
    http_server server({"--root", files.path().string(), "--send-timeout", "0.5"});
    server.ask("GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::size_t before = server.program().descriptors();
    socket_client client("127.0.0.1", server.port());
    client.shrink_receive_buffer(4096);
    std::string requests;
    for (std::size_t asked = 0; asked < size; asked += from_memory ? 200'000 : size)
        requests += "GET /file HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send(requests);
    CHECK(client.receive_until("\r\n\r\n").starts_with(found));
    CHECK(server.program().descriptors() > before);
    CHECK(eventually([&] {
        if (reads) client.receive_exactly(1);
        poll(nullptr, 0, 1);
        return server.program().descriptors() <= before;
    }));
}

TEST_CASE("with no descriptor left for a file a client gets a 503, and the file once there is one") {
    const temporary_folder files;
    files.write("large", std::string(1'000'000, 'a'));
    files.write("small", "small");
    constexpr std::size_t limit = 32;
    http_server server({"--root", files.path().string()}, {"prlimit", "--nofile=32:32"});
    socket_client good("127.0.0.1", server.port());
    good.send("GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(good.receive_until("small").find("200 OK") != std::string::npos);
    std::vector<std::unique_ptr<socket_client>> others;
    for (std::size_t number = 0; number < 2 * limit; ++number)
        others.push_back(std::make_unique<socket_client>("127.0.0.1", server.port()));
    const auto ask_for_large = [&] {
        good.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        std::string answer = good.receive_until("\r\n\r\n");
        const std::size_t size = response_size(answer);
        if (answer.size() < size) answer += good.receive_exactly(size - answer.size());
        CHECK(answer.size() == size);
        return answer;
    };
    // The last descriptor may be lent to a file for a moment, and taken by a connection that comes to it between two of them.
    std::string answer;
    CHECK(eventually([&] {
        poll(nullptr, 0, 10);
        answer = ask_for_large();
        return status_of(answer) == "503";
    }));
    CHECK(answer.find("Retry-After: 1\r\n") != std::string::npos);
    good.send("GET /small HTTP/1.1\r\nHost: x\r\n\r\n"); // kept in memory
    CHECK(good.receive_until("small").find("200 OK") != std::string::npos);
    others.clear();
    CHECK(eventually([&] { return status_of(ask_for_large()) == "200"; }));
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}
