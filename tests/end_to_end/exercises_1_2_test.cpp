// Exercises 1 and 2: the page, for one client and for one after another; and what all that serve have in common.

#include <algorithm>
#include <csignal>
#include <string>

#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include "exercises_support.hpp"

using namespace tests;

namespace {

const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a test\r\nAccept: */*\r\n\r\n";
const std::string icon_request = "GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\n\r\n";

outcome curl(const std::string& url) { return run({"curl", "--silent", "--show-error", "--include", url}); }

std::string ask(std::uint16_t port, const std::string& what) {
    socket_client client("127.0.0.1", port);
    client.send(what);
    return client.receive_all();
}

/// Whether anything has come to the client so far, the end of the stream included.
bool has_answered(const socket_client& client) {
    char byte;
    return ::recv(client.fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
}

} // namespace

TEST_CASE("the exercises that serve say how they are used, and what is wrong with their arguments") {
    for (const std::string name : {"exercise-1", "exercise-2", "exercise-4"}) {
        const auto help = run({program(name), "--help"});
        CHECK(help.code == 0);
        CHECK(help.output.starts_with("Usage: " + name + " [PORT]\n"));
        CHECK(help.errors.empty());
        for (const std::string bad : {"", "http", "-1", "65536", "80x", "8 0", "--port"}) {
            const auto refused = run({program(name), bad});
            INFO(name << " '" << bad << "'");
            CHECK(refused.code == 2);
            CHECK(refused.output.empty());
            CHECK(refused.errors.starts_with(name + ": '" + bad + "' is no port"));
            CHECK(std::count(refused.errors.begin(), refused.errors.end(), '\n') == 1);
        }
        CHECK(run({program(name), "0", "0"}).code == 2);
    }
}

TEST_CASE("the exercises that serve name a port that is in use, and what to do") {
    socket_server holder;
    const std::string port = std::to_string(holder.port());
    for (const std::string name : {"exercise-1", "exercise-2", "exercise-4"}) {
        const auto refused = run({program(name), port});
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
