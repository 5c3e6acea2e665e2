#include <algorithm>
#include <chrono>
#include <csignal>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <poll.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/http_server.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"

using tests::found;
using tests::get;
using tests::http_server;
using tests::last_get;
using tests::process;
using tests::response_size;
using tests::socket_client;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found_so_far = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found_so_far;
    return found_so_far;
}

std::string status_line(const std::string& response) { return response.substr(0, response.find("\r\n")); }

} // namespace

TEST_CASE("curl gets the page, with a head that describes it") {
    http_server server;
    const auto got = tests::run({"curl", "-s", "-i", "--max-time", "30", server.url()});
    REQUIRE(got.code == 0);
    CHECK(got.output.starts_with(found));
    CHECK(got.output.find("Content-Type: text/html; charset=utf-8\r\n") != std::string::npos);
    CHECK(got.output.find("Date: ") != std::string::npos);
    CHECK(got.output.find("<h1>Hello World</h1>") != std::string::npos);
    CHECK(got.output.size() == response_size(got.output));
    CHECK(server.end() == 0);
}

TEST_CASE("curl's HEAD, HTTP/1.0, missing page, POST and OPTIONS get what belongs to them") {
    http_server server;
    const auto curl = [&](std::vector<std::string> options, const std::string& path = {}) {
        options.insert(options.begin(), {"curl", "-s", "-i", "--max-time", "30"});
        options.push_back(server.url() + path);
        return tests::run(options).output;
    };
    const std::string head = curl({"--head"});
    CHECK(status_line(head) == "HTTP/1.1 200 OK");
    CHECK(head.find("<h1>") == std::string::npos);
    const std::string old = curl({"--http1.0"});
    CHECK(old.find("Connection: close\r\n") != std::string::npos);
    CHECK(old.find("<h1>Hello World</h1>") != std::string::npos);
    CHECK(status_line(curl({}, "nothing-here")) == "HTTP/1.1 404 Not Found");
    const std::string post = curl({"-d", "a=b"});
    CHECK(status_line(post) == "HTTP/1.1 405 Method Not Allowed");
    CHECK(post.find("Allow: GET, HEAD, OPTIONS\r\n") != std::string::npos);
    CHECK(status_line(curl({"-X", "OPTIONS"})) == "HTTP/1.1 204 No Content");
    CHECK(status_line(curl({"-X", "BREW"})) == "HTTP/1.1 501 Not Implemented");
    CHECK(curl({"--http1.0", "-H", "Connection: keep-alive", "-d", "a=b"}).find("Connection: keep-alive\r\n") !=
          std::string::npos);
    CHECK(status_line(curl({}, "?a=b")) == "HTTP/1.1 200 OK");
    CHECK(status_line(curl({}, std::string(10'000, 'a'))) == "HTTP/1.1 414 URI Too Long");
    CHECK(status_line(curl({"-H", "A: " + std::string(40'000, 'b')})) ==
          "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_CASE("a body that nobody wants is read and skipped, and the connection kept, unless curl still waits to send it") {
    http_server server;
    const std::string body(500'000, 'b');
    const auto got = tests::run({"curl",
                                 "-s",
                                 "-o",
                                 "/dev/null",
                                 "-w",
                                 "%{http_code} %{num_connects}\n",
                                 "--data-binary",
                                 "@-",
                                 "-H",
                                 "Expect: 100-continue",
                                 server.url(),
                                 "--next",
                                 "-s",
                                 "-o",
                                 "/dev/null",
                                 "-w",
                                 "%{http_code} %{num_connects}\n",
                                 "-H",
                                 "Transfer-Encoding: chunked",
                                 "-d",
                                 "abc",
                                 server.url(),
                                 "--next",
                                 "-s",
                                 "-o",
                                 "/dev/null",
                                 "-w",
                                 "%{http_code} %{num_connects}\n",
                                 server.url()},
                                body);
    // A client that is not told to continue may send the body all the same or not at all (RFC 9110, section 10.1.1), so
    // the connection cannot be used for what follows.
    CHECK(got.output == "405 1\n405 1\n200 0\n");
}

TEST_CASE("a body above the limit is a 413, sized or chunked") {
    http_server server({"--max-body", "1000"});
    CHECK(status_line(server.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")) ==
          "HTTP/1.1 413 Content Too Large");
    CHECK(status_line(server.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                                 std::string(1001, 'a'))) == "HTTP/1.1 413 Content Too Large");
    server.check_alive();
}

TEST_CASE("requests that come at once are answered in order, each once") {
    http_server server;
    std::string requests;
    for (int i = 0; i < 200; ++i) requests += i % 2 == 0 ? get : "GET /missing HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string got = server.ask(requests + last_get);
    std::size_t at = 0;
    for (int i = 0; i < 200; ++i) {
        const std::string rest = got.substr(at);
        REQUIRE(status_line(rest) == (i % 2 == 0 ? "HTTP/1.1 200 OK" : "HTTP/1.1 404 Not Found"));
        at += response_size(rest);
    }
    const std::string last = got.substr(at);
    CHECK(last.starts_with(found));
    CHECK(last.find("Connection: close\r\n") != std::string::npos);
    CHECK(at + response_size(last) == got.size());
}

TEST_CASE("a request that comes a byte at a time is answered") {
    http_server server;
    socket_client client("127.0.0.1", server.port());
    for (char each : last_get) client.send(std::string(1, each));
    CHECK(client.receive_all().starts_with(found));
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("a client that half-closes after its request still gets the answer") {
    http_server server;
    socket_client client("127.0.0.1", server.port());
    client.send(get + get);
    client.shutdown_send();
    const std::string got = client.receive_all();
    CHECK(count(got, found) == 2);
    CHECK_FALSE(client.was_reset());
}

TEST_CASE(
    "bad input is answered with what is wrong, the connection is closed in order, and the next request is served") {
    const auto bad = GENERATE(as<std::string>{}, "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 this is TLS", "garbage\r\n\r\n",
                              "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
                              "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na");
    http_server server;
    // More than can be read at once follows the fault: the answer must not be lost to it.
    socket_client client("127.0.0.1", server.port());
    client.send(get + bad + std::string(100'000, 'x'));
    const std::string got = client.receive_all();
    CHECK(got.starts_with(found));
    const std::string refused = got.substr(response_size(got));
    CHECK(refused.starts_with("HTTP/1.1 "));
    CHECK(refused.find("Connection: close\r\n") != std::string::npos);
    CHECK(refused.size() == response_size(refused));
    CHECK_FALSE(client.was_reset());
    server.check_alive();
}

TEST_CASE("a refused HEAD is answered without a body") {
    http_server server;
    const auto bad = GENERATE(as<std::string>{}, "HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/3.0\r\nHost: x\r\n\r\n",
                              "HEAD /" + std::string(10'000, 'a'));
    const std::string got = server.ask(bad);
    CHECK(got.starts_with("HTTP/1.1 "));
    CHECK(got.find("\r\n\r\n") == got.size() - 4);
}

TEST_CASE("clients that reset, vanish or say nothing leave no descriptor behind") {
    http_server server;
    server.check_alive();
    const std::size_t before = server.program().descriptors();
    {
        std::deque<socket_client> clients;
        for (int i = 0; i < 30; ++i) {
            socket_client& client = clients.emplace_back("127.0.0.1", server.port());
            if (i % 3 == 0) client.send(get.substr(0, 10));
            if (i % 3 == 1) client.send(get + get);
        }
        for (int i = 0; i < 30; i += 2) clients[static_cast<std::size_t>(i)].reset();
    }
    // Each of these is accepted after all of the above, and ends after their ends have come in.
    for (int i = 0; i < 50 && server.program().descriptors() > before; ++i) server.check_alive();
    CHECK(server.program().descriptors() <= before);
    CHECK(server.end() == 0);
}

TEST_CASE("five hundred connections at once are all served, and all again") {
    http_server server;
    std::deque<socket_client> clients;
    for (int i = 0; i < 500; ++i) clients.emplace_back("127.0.0.1", server.port());
    for (int round = 0; round < 2; ++round) {
        for (socket_client& each : clients) each.send(get + get);
        for (socket_client& each : clients) {
            std::string got = each.receive_until("</html>");
            const std::size_t size = response_size(got);
            got += each.receive_exactly(2 * size - got.size());
            REQUIRE(count(got, found) == 2);
            REQUIRE(got.substr(0, size) == got.substr(size));
        }
    }
}

TEST_CASE("past the bound on connections a client waits, and is served once another leaves") {
    http_server server({"--max-connections", "2"});
    socket_client first("127.0.0.1", server.port());
    first.send(get);
    CHECK(first.receive_until("</html>").starts_with(found));
    auto second = std::make_unique<socket_client>("127.0.0.1", server.port());
    second->send(get);
    CHECK(second->receive_until("</html>").starts_with(found));
    socket_client third("127.0.0.1", server.port());
    third.send(get);
    // The server has looked at the third by now, had it accepted it: the first is answered after it was sent.
    first.send(get);
    CHECK(first.receive_until("</html>").starts_with(found));
    CHECK(server.program().descriptors() > 0);
    second.reset();
    CHECK(third.receive_until("</html>").starts_with(found));
}

TEST_CASE("a header section that does not end in time is a 408") {
    http_server server({"--header-timeout", "0.05"});
    socket_client client("127.0.0.1", server.port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n");
    const std::string got = client.receive_all();
    CHECK(status_line(got) == "HTTP/1.1 408 Request Timeout");
    server.check_alive();
}

TEST_CASE("a body that does not end in time is a 408") {
    http_server server({"--body-timeout", "0.05"});
    socket_client client("127.0.0.1", server.port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(status_line(client.receive_all()) == "HTTP/1.1 408 Request Timeout");
    server.check_alive();
}

TEST_CASE("an idle connection is closed in silence when its time is up") {
    http_server server({"--idle-timeout", "0.05"});
    socket_client client("127.0.0.1", server.port());
    client.send(get);
    const std::string got = client.receive_all();
    CHECK(count(got, found) == 1);
    CHECK(got.size() == response_size(got));
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("a limit holds for a client that never pauses") {
    const bool begun = GENERATE(false, true);
    // Its bytes earn it no time, so that how fast it can send them does not matter.
    http_server server({begun ? "--body-timeout" : "--idle-timeout", "0.05", "--body-rate", "0"});
    socket_client client("127.0.0.1", server.port());
    if (begun) client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    // Empty lines before a request are passed over (RFC 9112, section 2.2), so that none begins.
    const std::string more = begun ? "a" : std::string(10'000, '\n');
    bool dropped = false;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    try {
        pollfd ended{client.fd(), POLLIN, 0};
        while (!dropped && std::chrono::steady_clock::now() < until) {
            client.send_some(more);
            dropped = poll(&ended, 1, 0) != 0;
        }
    } catch (const std::runtime_error&) {
        dropped = true;
    }
    CHECK(dropped);
    server.check_alive();
}

TEST_CASE("a client that takes no responses is dropped when its time is up, and others are served meanwhile") {
    http_server server({"--send-timeout", "0.1"});
    socket_client greedy("127.0.0.1", server.port());
    greedy.shrink_receive_buffer(4096);
    std::string requests;
    for (int i = 0; i < 100; ++i) requests += get;
    // Until the server reads no more, as it waits for the client to take what it asked for.
    std::size_t refused = 0;
    try {
        for (int i = 0; i < 20'000 && refused < 50; ++i) {
            refused = greedy.send_some(requests) == 0 ? refused + 1 : 0;
            if (refused != 0) server.check_alive();
        }
    } catch (const std::runtime_error&) {
        // Dropped already.
    }
    const std::string got = greedy.receive_all();
    CHECK((greedy.was_reset() || got.size() < 20'000 * requests.size()));
    server.check_alive();
}

TEST_CASE("asked to end, it finishes what is under way, closes what is idle, and exits with 0") {
    const int number = GENERATE(SIGINT, SIGTERM);
    http_server server;
    socket_client idle("127.0.0.1", server.port());
    idle.send(get);
    CHECK(idle.receive_until("</html>").starts_with(found));
    socket_client busy("127.0.0.1", server.port());
    busy.send(get + get.substr(0, 10));
    CHECK(busy.receive_until("</html>").starts_with(found));
    server.program().signal(number);
    CHECK(idle.receive_all().empty()); // closed, so it has taken notice
    busy.send(get.substr(10));
    const std::string got = busy.receive_all();
    CHECK(got.starts_with(found));
    CHECK(got.find("Connection: close\r\n") != std::string::npos);
    CHECK(server.program().wait() == 0);
    CHECK(server.program().read_errors().empty());
}

TEST_CASE("asked to end, it does not lose its last response to a client that goes on asking") {
    http_server server;
    socket_client idle("127.0.0.1", server.port());
    idle.send(get);
    CHECK(idle.receive_until("</html>").starts_with(found));
    socket_client busy("127.0.0.1", server.port());
    busy.shrink_receive_buffer(1); // so that the response is still on its way for a while
    busy.send(get.substr(0, 10));
    server.program().signal(SIGTERM);
    CHECK(idle.receive_all().empty());
    busy.send(get.substr(10));
    for (int i = 0; i < 20; ++i) {
        poll(nullptr, 0, 1);
        busy.send(get);
    }
    const std::string got = busy.receive_all();
    CHECK(got.size() == response_size(got));
    CHECK_FALSE(busy.was_reset());
    busy.reset();
    CHECK(server.program().wait() == 0);
}

TEST_CASE("asked to end while a slow client takes its responses, it lets the client take them all") {
    http_server server;
    socket_client idle("127.0.0.1", server.port());
    idle.send(get);
    CHECK(idle.receive_until("</html>").starts_with(found));
    socket_client slow("127.0.0.1", server.port());
    // Of 64 bytes, so that each of the server's buffers ends with a whole request and no next one has begun; their
    // responses are 30 MB, more than the kernel takes before the server has to wait for the client.
    std::string request = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    request += std::string(60 - request.size(), 'b') + "\r\n\r\n";
    std::string requests;
    for (int i = 0; i < 12'000; ++i) requests += request;
    slow.send(requests);
    slow.receive_exactly(1);
    server.program().signal(SIGTERM);
    CHECK(idle.receive_all().empty());
    const std::string got = slow.receive_all();
    CHECK(got.ends_with("</html>\n"));
    CHECK_FALSE(slow.was_reset());
    slow.reset();
    CHECK(server.program().wait() == 0);
}

TEST_CASE("a drain ends in its time, and says what it broke off; a second signal ends it at once") {
    const bool twice = GENERATE(true, false);
    http_server server({"--drain-timeout", twice ? "1000" : "0.05"});
    socket_client idle("127.0.0.1", server.port());
    idle.send(get);
    CHECK(idle.receive_until("</html>").starts_with(found));
    socket_client busy("127.0.0.1", server.port());
    busy.send(get + "GET /");
    CHECK(busy.receive_until("</html>").starts_with(found));
    server.program().signal(SIGTERM);
    CHECK(idle.receive_all().empty());
    if (twice) server.program().signal(SIGTERM);
    CHECK(server.program().wait() == 0);
    CHECK(server.program().read_errors().find("broken off") != std::string::npos);
}

TEST_CASE("it listens on several addresses, of both families") {
    http_server server({"--listen", "127.0.0.1:0", "--listen", "[::1]:0"});
    const std::string second = server.program().read_line().value_or("");
    REQUIRE(second.find("http://[::1]:") != std::string::npos);
    const std::string url = second.substr(second.find("http"), second.find("/ ") + 1 - second.find("http"));
    CHECK(tests::run({"curl", "-s", "-g", "--max-time", "30", url}).output.find("Hello World") != std::string::npos);
    server.check_alive();
    CHECK(server.end() == 0);
}

TEST_CASE("what is wrong with its options, or its port, is one clear line and an exit code") {
    const std::string program = tests::program("uring-http");
    const auto fails = [&](std::vector<std::string> options, int code, const std::string& words) {
        options.insert(options.begin(), program);
        const auto ended = tests::run(options);
        INFO(ended.errors);
        CHECK(ended.code == code);
        CHECK(count(ended.errors, "\n") == 1);
        CHECK(ended.errors.find(words) != std::string::npos);
        CHECK(ended.output.empty());
    };
    fails({"--no-such-option"}, 2, "--no-such-option");
    fails({"--listen", "nonsense"}, 2, "'nonsense' is not ADDRESS:PORT");
    fails({"--listen", "127.0.0.1:99999"}, 2, "127.0.0.1:99999");
    fails({"--listen", "::1:80"}, 2, "[::1]");
    fails({"--max-connections", "0"}, 2, "--max-connections");
    fails({"--header-timeout", "never"}, 2, "--header-timeout");
    fails({"--idle-timeout", "nan"}, 2, "--idle-timeout");
    fails({"--max-body=-1"}, 2, "--max-body");
    fails({"--max-body", "99999999999999999999"}, 2, "--max-body");
    fails({"surplus"}, 2, "surplus");
    tests::socket_server taken;
    fails({"--listen", "127.0.0.1:" + std::to_string(taken.port())}, 1, "Address already in use");
    fails({"--listen", "203.0.113.1:0"}, 1, "203.0.113.1");
}

TEST_CASE("help and version are printed, and nothing is served") {
    const auto help = tests::run({tests::program("uring-http"), "--help"});
    CHECK(help.code == 0);
    for (const char* option :
         {"--listen", "--max-connections", "--header-timeout", "--idle-timeout", "--doctor", "--version"})
        CHECK(help.output.find(option) != std::string::npos);
    const auto version = tests::run({tests::program("uring-http"), "--version"});
    CHECK(version.code == 0);
    CHECK(version.output.starts_with("uring-http "));
}

TEST_CASE("with no descriptor left, clients wait in the backlog and are served when there is one") {
    // 24: what the program itself needs, and a few connections.
    process program({"sh", "-c", "ulimit -n 24; exec \"$0\" --listen 127.0.0.1:0", tests::program("uring-http")});
    const std::string line = program.read_line().value_or("");
    const auto port = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("127.0.0.1:") + 10)));
    std::deque<socket_client> clients;
    for (int i = 0; i < 60; ++i) clients.emplace_back("127.0.0.1", port);
    for (socket_client& each : clients) each.send(last_get);
    for (socket_client& each : clients) CHECK(each.receive_all().starts_with(found));
    program.signal(SIGTERM);
    CHECK(program.wait() == 0);
}
