#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "support/process.hpp"
#include "support/socket.hpp"

using tests::socket_client;

namespace {

const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a test\r\nAccept: */*\r\n\r\n";
const std::string icon_request = "GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// An exercise that listens on a port of its own.
struct running {
    explicit running(const std::string& name) : program({tests::program(name), "0"}) {
        first_line = program.read_line().value();
        const auto colon = first_line.find("127.0.0.1:");
        if (colon != std::string::npos) port = static_cast<std::uint16_t>(std::stoul(first_line.substr(colon + 10)));
    }

    std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port) + path; }

    int end_by(int signal) {
        program.signal(signal);
        return program.wait();
    }

    tests::process program;
    std::string first_line;
    std::uint16_t port = 0;
};

struct response {
    std::string status;
    std::map<std::string, std::string> fields;
    std::string body;
};

/// Takes an HTTP response apart, and checks on the way that it is one.
response parse(const std::string& bytes) {
    const auto head_end = bytes.find("\r\n\r\n");
    REQUIRE(head_end != std::string::npos);
    const std::string head = bytes.substr(0, head_end + 2);
    CHECK(std::count(head.begin(), head.end(), '\n') == std::count(head.begin(), head.end(), '\r'));
    response parsed;
    parsed.body = bytes.substr(head_end + 4);
    std::size_t start = head.find("\r\n") + 2;
    parsed.status = head.substr(0, start - 2);
    while (start < head.size()) {
        const auto end = head.find("\r\n", start);
        const auto colon = head.find(": ", start);
        REQUIRE(colon < end);
        parsed.fields[head.substr(start, colon - start)] = head.substr(colon + 2, end - colon - 2);
        start = end + 2;
    }
    CHECK(parsed.fields["Content-Length"] == std::to_string(parsed.body.size()));
    return parsed;
}

void check_page(const std::string& bytes) {
    response page = parse(bytes);
    CHECK(page.status == "HTTP/1.1 200 OK");
    CHECK(page.fields["Content-Type"] == "text/html; charset=utf-8");
    CHECK(page.fields["Connection"] == "close");
    CHECK(page.body.starts_with("<!DOCTYPE html>"));
    CHECK(page.body.find("<h1>Hello World!</h1>") != std::string::npos);
    CHECK(page.body.find("<link rel=\"icon\" href=\"data:,\">") != std::string::npos);
    CHECK(page.body.ends_with("</html>\n"));
}

tests::outcome curl(const std::string& url) {
    return tests::run({"curl", "--silent", "--show-error", "--include", url});
}

std::string ask(std::uint16_t port, const std::string& what) {
    socket_client client("127.0.0.1", port);
    client.send(what);
    return client.receive_all();
}

bool is_refused(std::uint16_t port) {
    try {
        socket_client client("127.0.0.1", port);
        return false;
    } catch (const std::runtime_error&) {
        return true;
    }
}

/// Whether anything has come to the client so far, the end of the stream included.
bool has_answered(const socket_client& client) {
    char byte;
    return ::recv(client.fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
}

void send_byte_by_byte(socket_client& client, const std::string& bytes) {
    const int on = 1;
    ::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (char each : bytes) client.send(std::string(1, each));
}

} // namespace

TEST_CASE("the exercises that serve say how they are used, and what is wrong with their arguments") {
    for (const std::string name : {"exercise-1", "exercise-2", "exercise-4"}) {
        const auto help = tests::run({tests::program(name), "--help"});
        CHECK(help.code == 0);
        CHECK(help.output.starts_with("Usage: " + name + " [PORT]\n"));
        CHECK(help.errors.empty());
        for (const std::string bad : {"", "http", "-1", "65536", "80x", "8 0", "--port"}) {
            const auto refused = tests::run({tests::program(name), bad});
            INFO(name << " '" << bad << "'");
            CHECK(refused.code == 2);
            CHECK(refused.output.empty());
            CHECK(refused.errors.starts_with(name + ": '" + bad + "' is no port"));
            CHECK(std::count(refused.errors.begin(), refused.errors.end(), '\n') == 1);
        }
        CHECK(tests::run({tests::program(name), "0", "0"}).code == 2);
    }
}

TEST_CASE("the exercises that serve name a port that is in use, and what to do") {
    tests::socket_server holder;
    const std::string port = std::to_string(holder.port());
    for (const std::string name : {"exercise-1", "exercise-2", "exercise-4"}) {
        const auto refused = tests::run({tests::program(name), port});
        CHECK(refused.code == 1);
        CHECK(refused.output.empty());
        CHECK(refused.errors == name + ": cannot listen on 127.0.0.1:" + port +
                                    ": Address already in use. Another program uses this port: end it, or try another "
                                    "port, or 0 for any that is free.\n");
    }
}

TEST_CASE("exercise 1 shows its page to curl once, and ends") {
    running server("exercise-1");
    CHECK(server.first_line == "Open " + server.url("") + " in a browser.");
    const auto shown = curl(server.url());
    CHECK(shown.code == 0);
    CHECK(shown.errors.empty());
    check_page(shown.output);
    CHECK(server.program.wait() == 0);
    CHECK(server.program.read_output().empty());
    CHECK(server.program.read_errors().empty());
    CHECK(is_refused(server.port));
}

TEST_CASE("exercise 1 waits for the whole of a request that comes byte by byte") {
    running server("exercise-1");
    socket_client client("127.0.0.1", server.port);
    send_byte_by_byte(client, request.substr(0, request.size() - 1));
    CHECK_FALSE(has_answered(client)); // the blank line is not whole yet
    client.send("\n");
    check_page(client.receive_all());
    CHECK_FALSE(client.was_reset());
    CHECK(server.program.wait() == 0);
}

TEST_CASE("exercise 1 passes over connections that ask for nothing") {
    running server("exercise-1");
    socket_client idle("127.0.0.1", server.port); // as browsers open them ahead of need
    socket_client gone("127.0.0.1", server.port);
    gone.reset();
    socket_client silent("127.0.0.1", server.port);
    silent.shutdown_send();
    socket_client hasty("127.0.0.1", server.port);
    hasty.send("GET / HTTP/1.1\r\nHost: loc");
    hasty.reset();
    socket_client half("127.0.0.1", server.port);
    half.send(request.substr(0, request.size() - 2)); // all but the blank line
    half.shutdown_send();
    check_page(ask(server.port, request));
    CHECK(idle.receive_all().empty());
    CHECK(silent.receive_all().empty());
    CHECK(half.receive_all().empty());
    CHECK(server.program.wait() == 0);
}

TEST_CASE("exercise 1 keeps its page for the browser when the icon is asked for first") {
    running server("exercise-1");
    CHECK(parse(ask(server.port, icon_request)).status == "HTTP/1.1 404 Not Found");
    check_page(ask(server.port, request));
    CHECK(server.program.wait() == 0);
}

TEST_CASE("the page arrives whole although the server has not read all that was sent to it") {
    running server("exercise-1");
    socket_client client("127.0.0.1", server.port);
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
    client.shutdown_send();
    check_page(client.receive_all());
    CHECK_FALSE(client.was_reset());
    CHECK(server.program.wait() == 0);
}

TEST_CASE("exercise 2 shows its page to one client after another") {
    running server("exercise-2");
    CHECK(server.first_line == "Open " + server.url("") + " in a browser.");
    for (int i = 0; i < 3; ++i) {
        const auto shown = curl(server.url());
        CHECK(shown.code == 0);
        check_page(shown.output);
    }
    const auto icon = curl(server.url("/favicon.ico"));
    CHECK(icon.code == 0);
    CHECK(parse(icon.output).status == "HTTP/1.1 404 Not Found");
    check_page(curl(server.url("/any/other/page")).output);
    CHECK(server.end_by(SIGTERM) == 0);
    CHECK(server.program.read_errors().empty());
    CHECK(is_refused(server.port));
}

TEST_CASE("exercise 2 serves those who wait in the order in which they came") {
    running server("exercise-2");
    socket_client first("127.0.0.1", server.port);
    socket_client second("127.0.0.1", server.port);
    second.send(request); // ready before the first, and served after it
    send_byte_by_byte(first, request.substr(0, request.size() - 1));
    CHECK_FALSE(has_answered(second));
    first.send("\n");
    check_page(first.receive_all());
    check_page(second.receive_all());
    CHECK(server.end_by(SIGINT) == 0);
}

TEST_CASE("exercise 2 answers the next good request after every kind of bad one") {
    running server("exercise-2");
    const auto page_is_shown = [&] { check_page(ask(server.port, request)); };

    socket_client idle("127.0.0.1", server.port);
    page_is_shown();
    {
        socket_client client("127.0.0.1", server.port);
        client.send(request);
        client.reset();
    }
    page_is_shown();
    {
        socket_client client("127.0.0.1", server.port);
        client.send(request);
        client.shutdown_send();
        check_page(client.receive_all());
    }
    ask(server.port, std::string(20'000, '\xff')); // no line ever ends
    page_is_shown();
    ask(server.port, std::string("\x16\x03\x01\x00\x05hello", 10)); // TLS
    page_is_shown();
    {
        socket_client client("127.0.0.1", server.port);
        send_byte_by_byte(client, request);
        check_page(client.receive_all());
    }
    CHECK(server.end_by(SIGTERM) == 0);
}

TEST_CASE("exercise 2 ends at once and cleanly while a client keeps it waiting") {
    for (int signal : {SIGINT, SIGTERM}) {
        running server("exercise-2");
        check_page(ask(server.port, request));
        socket_client idle("127.0.0.1", server.port);
        idle.send("GET / HT");
        CHECK(server.end_by(signal) == 0);
        CHECK(idle.receive_all().empty());
        CHECK(server.program.read_errors().empty());
    }
}

TEST_CASE("exercise 2 keeps no descriptor of clients that have gone") {
    running server("exercise-2");
    check_page(ask(server.port, request));
    const std::size_t before = server.program.descriptors();
    for (int i = 0; i < 50; ++i) check_page(ask(server.port, request));
    CHECK(server.program.descriptors() <= before + 1); // the last may be about to be closed
    CHECK(server.end_by(SIGTERM) == 0);
}

namespace {

/// The server's end of a connection to a `socket_server`.
class accepted {
public:
    explicit accepted(tests::socket_server& server) : fd_(server.accept()) {}
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
    return {tests::program("exercise-3"), host, std::to_string(port), path};
}

} // namespace

TEST_CASE("exercise 3 sends a request and prints the response as it comes") {
    tests::socket_server server;
    tests::process client(exercise_3("localhost", server.port(), "/a/page?x=1"));
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
    const auto shown = tests::run({tests::program("exercise-3"), "127.0.0.1", std::to_string(server.port)});
    CHECK(shown.code == 0);
    CHECK(shown.errors.empty());
    check_page(shown.output);
    CHECK(server.end_by(SIGTERM) == 0);
}

TEST_CASE("exercise 3 prints megabytes whole") {
    tests::socket_server server;
    tests::process client(exercise_3("127.0.0.1", server.port()));
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
    const auto check = [](const tests::outcome& went, int code, const std::string& words) {
        CHECK(went.code == code);
        CHECK(went.errors.find(words) != std::string::npos);
        CHECK(went.errors.starts_with("exercise-3: "));
        CHECK(std::count(went.errors.begin(), went.errors.end(), '\n') == 1);
    };
    std::uint16_t nobody;
    {
        tests::socket_server server;
        nobody = server.port();
    }
    const std::string where = "127.0.0.1:" + std::to_string(nobody);
    check(tests::run(exercise_3("127.0.0.1", nobody)), 4, "cannot connect to " + where + ": Connection refused");
    check(tests::run(exercise_3("no-such-name.invalid", 80)), 3, "cannot connect to no-such-name.invalid:80: ");
    const std::string program = tests::program("exercise-3");
    check(tests::run({program}), 2, "HOST and PORT are needed");
    check(tests::run({program, "localhost"}), 2, "HOST and PORT are needed");
    check(tests::run({program, "localhost", "80", "/", "/"}), 2, "HOST and PORT are needed");
    check(tests::run({program, "localhost", "http"}), 2, "'http' is no port");
    check(tests::run({program, "localhost", "0"}), 2, "'0' is no port");
    check(tests::run({program, "localhost", "80", "page"}), 2, "PATH starts with / and has no spaces");
    check(tests::run({program, "localhost", "80", "/ HTTP/1.1\r\nX: y"}), 2, "PATH starts with / and has no spaces");
    const auto help = tests::run({program, "--help"});
    CHECK(help.code == 0);
    CHECK(help.output.starts_with("Usage: exercise-3 HOST PORT [PATH]\n"));
}

TEST_CASE("exercise 3 tells a connection that breaks off from a response that ends") {
    tests::socket_server server;
    SECTION("closed without a word") {
        tests::process client(exercise_3("127.0.0.1", server.port()));
        accepted peer(server);
        CHECK_FALSE(peer.request().empty());
        peer.close();
        CHECK(client.read_output().empty());
        CHECK(client.read_errors().find("cannot receive from 127.0.0.1:") != std::string::npos);
        CHECK(client.wait() == 6);
    }
    SECTION("reset in the middle") {
        tests::process client(exercise_3("127.0.0.1", server.port()));
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
    tests::socket_server server; // it accepts, as every listening socket does, and does not answer
    const auto went = tests::run(exercise_3("127.0.0.1", server.port()));
    CHECK(went.code == 5);
    CHECK(went.errors.find("timed out") != std::string::npos);
}

TEST_CASE("exercise 3 ends when what it prints cannot be written") {
    running server("exercise-2");
    const std::string command =
        tests::program("exercise-3") + " 127.0.0.1 " + std::to_string(server.port) + " >/dev/full";
    const auto went = tests::run({"sh", "-c", command});
    CHECK(went.code == 1);
    CHECK(went.errors.find("cannot print") != std::string::npos);
}

namespace {

/// Somebody in the chat room of exercise 4.
class guest {
public:
    explicit guest(std::uint16_t port) : socket("127.0.0.1", port) {
        welcome = line();
        const std::string start = "* welcome, you are ";
        REQUIRE(welcome.starts_with(start));
        name = welcome.substr(start.size(), welcome.find(';') - start.size());
    }

    void say(const std::string& text) { socket.send(text + "\n"); }

    /// The next line; empty at the end of the stream.
    std::string line() {
        for (;;) {
            const auto end = unread_.find('\n', start_);
            if (end != std::string::npos) {
                std::string found = unread_.substr(start_, end - start_);
                start_ = end + 1;
                return found;
            }
            unread_.erase(0, start_);
            start_ = 0;
            const std::string more = socket.receive();
            if (more.empty()) return {};
            unread_ += more;
        }
    }

    /// The next line that somebody said, not the room.
    std::string said() {
        std::string next;
        do {
            next = line();
        } while (next.starts_with("* "));
        return next;
    }

    /// The next line that the room itself says.
    std::string news() {
        std::string next;
        do {
            next = line();
        } while (!next.empty() && !next.starts_with("* "));
        return next;
    }

    socket_client socket;
    std::string welcome;
    std::string name;

private:
    std::string unread_;
    std::size_t start_ = 0;
};

/// Waits until the room has let go of those who left.
bool comes_down_to(running& room, std::size_t descriptors) {
    const auto until = std::chrono::steady_clock::now() + tests::patience;
    while (room.program.descriptors() != descriptors) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::yield();
    }
    return true;
}

} // namespace

TEST_CASE("exercise 4 passes on what one client says to all the others, and tells who comes and goes") {
    running room("exercise-4");
    const std::string port = std::to_string(room.port);
    CHECK(room.first_line == "Chat on 127.0.0.1:" + port + ", for instance with: nc 127.0.0.1 " + port);
    guest one(room.port);
    CHECK(one.name == "client 1");
    CHECK(room.program.read_line() == "client 1 came");
    guest two(room.port);
    guest three(room.port);
    CHECK(one.line() == "* client 2 came");
    CHECK(one.line() == "* client 3 came");
    CHECK(two.line() == "* client 3 came");
    one.say("hello");
    CHECK(two.line() == "client 1: hello");
    CHECK(three.line() == "client 1: hello");
    send_byte_by_byte(two.socket, "byte by byte, with a carriage return\r\n");
    CHECK(one.line() == "client 2: byte by byte, with a carriage return"); // nobody hears oneself
    CHECK(three.line() == "client 2: byte by byte, with a carriage return");
    two.socket.shutdown_send();
    CHECK(two.line().empty());
    CHECK_FALSE(two.socket.was_reset());
    CHECK(one.line() == "* client 2 left");
    CHECK(three.line() == "* client 2 left");
    guest four(room.port);
    CHECK(four.welcome == "* welcome, you are client 4; here with you: 2");
    CHECK(one.line() == "* client 4 came");
    for (const std::string line : {"client 2 came", "client 3 came", "client 2 left", "client 4 came"})
        CHECK(room.program.read_line() == line);
    CHECK(room.end_by(SIGTERM) == 0);
    CHECK(one.line().empty());
    CHECK(room.program.read_output().empty());
    CHECK(room.program.read_errors().empty());
    CHECK(is_refused(room.port));
}

TEST_CASE("in exercise 4 fifty clients at once each get all the others' lines, whole and in order") {
    constexpr int guests = 50;
    constexpr int lines = 60; // from all the others together, more than an outbox holds
    running room("exercise-4");
    const std::size_t before = room.program.descriptors();
    std::vector<std::unique_ptr<guest>> all;
    for (int i = 0; i < guests; ++i) all.push_back(std::make_unique<guest>(room.port));

    std::vector<std::map<std::string, std::vector<std::string>>> heard(guests);
    std::vector<std::string> failures(guests);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < guests; ++i) {
        threads.emplace_back([&, i] {
            try {
                guest& me = *all[i];
                std::string words;
                for (int k = 0; k < lines; ++k) words += "line " + std::to_string(k) + " of " + me.name + "\n";
                me.socket.send(words);
                for (int k = 0; k < lines * (guests - 1); ++k) {
                    const std::string line = me.said();
                    const auto colon = line.find(": ");
                    heard[i][line.substr(0, colon)].push_back(line.substr(colon + 2));
                }
            } catch (const std::exception& error) {
                failures[i] = error.what();
            }
        });
    }
    for (std::thread& each : threads) each.join();

    for (std::size_t i = 0; i < guests; ++i) {
        CHECK(failures[i].empty());
        CHECK(heard[i].size() == guests - 1);
        CHECK(heard[i].count(all[i]->name) == 0);
        for (const auto& [name, words] : heard[i]) {
            std::vector<std::string> expected;
            for (int k = 0; k < lines; ++k) expected.push_back("line " + std::to_string(k) + " of " + name);
            CHECK(words == expected);
        }
    }
    all.clear();
    CHECK(comes_down_to(room, before));
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 five hundred clients come at once, and nobody who reads is dropped") {
    constexpr int guests = 500;
    running room("exercise-4");
    std::vector<std::unique_ptr<socket_client>> all;
    for (int i = 0; i < guests; ++i) all.push_back(std::make_unique<socket_client>("127.0.0.1", room.port));
    for (int i = 0; i < guests; ++i) CHECK(room.program.read_line() == "client " + std::to_string(i + 1) + " came");
    all.back()->send("hello\n");
    const std::string last = "client " + std::to_string(guests) + ": hello\n";
    for (int i = 0; i < guests - 1; ++i) CHECK(all[static_cast<std::size_t>(i)]->receive_until(last).ends_with(last));
    CHECK(room.end_by(SIGTERM) == 0);
    CHECK(room.program.read_output().empty()); // so nobody had left
}

TEST_CASE("in exercise 4 a client that never reads is dropped at a bound, while the others go on") {
    running room("exercise-4");
    guest speaker(room.port);
    guest listener(room.port);
    guest deaf(room.port);
    CHECK(listener.line() == "* client 3 came");

    const std::string filling(900, 'x');
    std::string dropped;
    int number = 0;
    // Far more than the kernel's two buffers and the room's own hold. The listener follows, so that it is never behind.
    while (dropped.empty() && number < 100'000) {
        std::string words;
        for (int i = 0; i < 50; ++i) words += std::to_string(number + i) + " " + filling + "\n";
        speaker.socket.send(words);
        for (int i = 0; i < 50; ++number) {
            std::string line = listener.line();
            if (line.starts_with("* ")) {
                dropped = line;
                --number;
                continue;
            }
            if (line != "client 1: " + std::to_string(number) + " " + filling) FAIL("lost a line: " + line);
            ++i;
        }
    }
    CHECK(dropped == "* client 3 left, dropped: it does not read what is sent to it");
    CHECK(speaker.news() == "* client 2 came");
    CHECK(speaker.news() == "* client 3 came");
    CHECK(speaker.news() == dropped);
    speaker.say("still here");
    CHECK(listener.said() == "client 1: still here");
    const std::string rest = deaf.socket.receive_all(); // what the kernel had, then the end
    CHECK(rest.size() < static_cast<std::size_t>(number) * filling.size());
    guest next(room.port);
    CHECK(next.name == "client 4");
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 a long text pasted at once reaches a reader whole") {
    running room("exercise-4");
    guest speaker(room.port);
    guest reader(room.port);
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + "\n"; // many more lines than an outbox holds
    std::thread paste([&] { speaker.socket.send(text); });
    int in_order = 0;
    while (in_order < 20'000 && reader.said() == "client 1: " + std::to_string(in_order)) ++in_order;
    paste.join();
    CHECK(in_order == 20'000);
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 a line that is too long drops its sender with a word") {
    running room("exercise-4");
    guest speaker(room.port);
    guest reader(room.port);
    const std::string longest(1000, 'y');
    speaker.say(longest);
    CHECK(reader.said() == "client 1: " + longest);
    speaker.say(longest + "y");
    CHECK(reader.news() == "* client 1 left, dropped: its line was longer than 1000 bytes");
    CHECK(speaker.line() == "* client 2 came");
    CHECK(speaker.line() == "* good-bye: a line may have 1000 bytes");
    CHECK(speaker.line().empty());
    // No end of a line at all, and more behind it than the room reads: the word arrives all the same.
    guest endless(room.port);
    endless.socket.send(std::string(300'000, 'z'));
    CHECK(reader.news() == "* client 3 came");
    CHECK(reader.news() == "* client 3 left, dropped: its line was longer than 1000 bytes");
    CHECK(endless.line() == "* good-bye: a line may have 1000 bytes");
    endless.socket.shutdown_send();
    CHECK(endless.line().empty());
    CHECK_FALSE(endless.socket.was_reset());
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 a client that is cut off has left, and others do not notice more") {
    running room("exercise-4");
    const std::size_t before = room.program.descriptors();
    {
        guest speaker(room.port);
        guest reader(room.port);
        speaker.socket.send("half a line");
        speaker.socket.reset();
        std::string line = reader.line();
        if (line == "client 1: half a line") line = reader.line(); // it may have come before the cut
        CHECK(line == "* client 1 left");
        reader.say("alone");
        guest next(room.port);
        CHECK(reader.line() == "* client 3 came");
        next.say("hello");
        CHECK(reader.line() == "client 3: hello");
    }
    CHECK(comes_down_to(room, before));
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE(
    "in exercise 4 the last words of a client that half-closes are heard, and it hears what was said until then") {
    running room("exercise-4");
    guest one(room.port);
    guest two(room.port);
    guest three(room.port);
    CHECK(two.line() == "* client 3 came");
    two.say("this is for you");
    CHECK(three.said() == "client 2: this is for you"); // so it is in everyone's outbox
    one.socket.send("good night");                      // without the end of a line
    one.socket.shutdown_send();
    CHECK(two.line() == "client 1: good night");
    CHECK(two.line() == "* client 1 left");
    CHECK(one.socket.receive_all().find("client 2: this is for you\n") != std::string::npos);
    CHECK_FALSE(one.socket.was_reset());
    CHECK(room.end_by(SIGINT) == 0);
}

TEST_CASE("exercise 4 ends cleanly in the middle of everything") {
    running room("exercise-4");
    guest speaker(room.port);
    guest deaf(room.port);
    guest leaving(room.port);
    leaving.socket.shutdown_send();
    // Sends are under way, outboxes are filling, and lines keep coming.
    const std::string text(900, 'x');
    std::string words;
    for (int i = 0; i < 3000; ++i) words += text + "\n";
    std::thread flood([&] {
        try {
            for (;;) speaker.socket.send(words);
        } catch (const std::exception&) {
            // The room has ended.
        }
    });
    CHECK(deaf.said() == "client 1: " + text);
    CHECK(room.end_by(SIGTERM) == 0);
    flood.join();
    CHECK(room.program.read_errors().empty());
}
