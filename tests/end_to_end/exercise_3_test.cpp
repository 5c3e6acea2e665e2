// Exercise 3: the client of a page.

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "exercises_support.hpp"

using namespace tests;

namespace {

/// The server's end of a connection to a `socket_server`.
class accepted {
public:
    explicit accepted(socket_server& server) : fd_(server.accept()) {}
    accepted(const accepted&) = delete;
    accepted& operator=(const accepted&) = delete;
    ~accepted() { close(); }

    /// Everything up to the blank line that ends a request.
    std::string request() const {
        std::string all;
        char bytes[4096];
        while (all.find("\r\n\r\n") == std::string::npos) {
            const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
            if (size <= 0) break;
            all.append(bytes, static_cast<std::size_t>(size));
        }
        return all;
    }

    void send(const std::string& bytes) const {
        CHECK(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    }

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }

private:
    int fd_;
};

std::vector<std::string> exercise_3(const std::string& host, std::uint16_t port, const std::string& path = "/") {
    return {program("exercise-3"), host, std::to_string(port), path};
}

} // namespace

TEST_CASE("exercise 3 sends a request and prints the response as it comes") {
    socket_server server;
    process client(exercise_3("localhost", server.port(), "/a/page?x=1"));
    accepted peer(server);
    CHECK(peer.request() == "GET /a/page?x=1 HTTP/1.1\r\nHost: localhost:" + std::to_string(server.port()) +
                                "\r\nConnection: close\r\n\r\n");
    std::string printed;
    for (const std::string piece : {"HTTP/1.1 200 OK\r\nContent-Le", "ngth: 11\r\n\r\n", "Hello ", "World"}) {
        peer.send(piece);
        printed += client.read_until(piece); // before the next is sent
    }
    peer.close();
    printed += client.read_output();
    CHECK(printed == "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nHello World");
    CHECK(client.wait() == 0);
    CHECK(client.read_errors().empty());
}

TEST_CASE("exercise 3 prints what exercise 2 answers") {
    running server("exercise-2");
    const auto shown = run({program("exercise-3"), "127.0.0.1", std::to_string(server.port)});
    CHECK(shown.code == 0);
    CHECK(shown.errors.empty());
    check_page(shown.output);
    CHECK(server.end_by(SIGTERM) == 0);
}

TEST_CASE("exercise 3 prints megabytes whole") {
    socket_server server;
    process client(exercise_3("127.0.0.1", server.port()));
    accepted peer(server);
    CHECK_FALSE(peer.request().empty());
    std::string body;
    for (int i = 0; body.size() < 8'000'000; ++i) body += std::to_string(i) + "\n";
    std::thread sender([&] {
        std::size_t done = 0;
        while (done < body.size()) {
            const std::size_t size = std::min<std::size_t>(body.size() - done, 100'000);
            peer.send(body.substr(done, size));
            done += size;
        }
        peer.close();
    });
    const std::string printed = client.read_output();
    sender.join();
    CHECK((printed == body));
    CHECK(client.wait() == 0);
}

TEST_CASE("exercise 3 tells in one line and by its exit code what went wrong") {
    const auto check = [](const outcome& went, int code, const std::string& words) {
        CHECK(went.code == code);
        CHECK(went.errors.find(words) != std::string::npos);
        CHECK(went.errors.starts_with("exercise-3: "));
        CHECK(std::count(went.errors.begin(), went.errors.end(), '\n') == 1);
    };
    std::uint16_t nobody;
    {
        socket_server server;
        nobody = server.port();
    }
    const std::string where = "127.0.0.1:" + std::to_string(nobody);
    check(run(exercise_3("127.0.0.1", nobody)), 4, "cannot connect to " + where + ": Connection refused");
    check(run(exercise_3("no-such-name.invalid", 80)), 3, "cannot connect to no-such-name.invalid:80: ");
    const std::string program = tests::program("exercise-3");
    check(run({program}), 2, "HOST and PORT are needed");
    check(run({program, "localhost"}), 2, "HOST and PORT are needed");
    check(run({program, "localhost", "80", "/", "/"}), 2, "HOST and PORT are needed");
    check(run({program, "localhost", "http"}), 2, "'http' is no port");
    check(run({program, "localhost", "0"}), 2, "'0' is no port");
    check(run({program, "localhost", "80", "page"}), 2, "PATH starts with / and has no spaces");
    check(run({program, "localhost", "80", "/ HTTP/1.1\r\nX: y"}), 2, "PATH starts with / and has no spaces");
    const auto help = run({program, "--help"});
    CHECK(help.code == 0);
    CHECK(help.output.starts_with("Usage: exercise-3 HOST PORT [PATH]\n"));
}

TEST_CASE("exercise 3 tells a connection that breaks off from a response that ends") {
    socket_server server;
    SECTION("closed without a word") {
        process client(exercise_3("127.0.0.1", server.port()));
        accepted peer(server);
        CHECK_FALSE(peer.request().empty());
        peer.close();
        CHECK(client.read_output().empty());
        CHECK(client.read_errors().find("cannot receive from 127.0.0.1:") != std::string::npos);
        CHECK(client.wait() == 6);
    }
    SECTION("reset in the middle") {
        process client(exercise_3("127.0.0.1", server.port()));
        accepted peer(server);
        CHECK_FALSE(peer.request().empty());
        peer.send("HTTP/1.1 200 OK\r\n");
        CHECK(client.read_until("OK\r\n") == "HTTP/1.1 200 OK\r\n");
        peer.reset();
        CHECK(client.read_errors().find("Connection reset by peer") != std::string::npos);
        CHECK(client.wait() == 6);
    }
}

TEST_CASE("exercise 3 gives up on a server that says nothing") {
    socket_server server; // it accepts, as every listening socket does, and does not answer
    const auto went = run(exercise_3("127.0.0.1", server.port()));
    CHECK(went.code == 5);
    CHECK(went.errors.find("timed out") != std::string::npos);
}

TEST_CASE("exercise 3 ends when what it prints cannot be written") {
    running server("exercise-2");
    const std::string command = program("exercise-3") + " 127.0.0.1 " + std::to_string(server.port) + " >/dev/full";
    const auto went = run({"sh", "-c", command});
    CHECK(went.code == 1);
    CHECK(went.errors.find("cannot print") != std::string::npos);
}
