#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "uring_client_support.hpp"

using namespace tests;

TEST_CASE("uring-client names the byte at which a response goes wrong") {
    answering_server bad(chunked + "3\r\nabc\r\nzz\r\n");
    const outcome malformed_chunk = run(ours({bad.url()}));
    CHECK(malformed_chunk.code == malformed);
    CHECK(malformed_chunk.output == "abc");
    check_one_line(malformed_chunk, "bad response from " + bad.host() + " at byte 55: Invalid character in chunk size");

    answering_server tls(std::string("\x15\x03\x01\x00\x02\x02\x28", 7));
    check_one_line(run(ours({tls.url()})), "at byte 0: this is TLS, not HTTP");

    answering_server cut(ok + "Content-Length: 10\r\n\r\nabc");
    check_one_line(run(ours({cut.url()})), "at byte 42: the connection ended after 3 of the body's 10 bytes");
}

TEST_CASE("uring-client refuses a head without end") {
    for (const std::string& line : {std::string("X: y\r\n"), std::string(6, 'x')}) {
        answering_server server([&](socket_client& client) {
            std::string text = ok;
            while (text.size() < 200'000) text += line;
            client.send(text);
        });
        const outcome result = run(ours({server.url()}));
        CHECK(result.code == malformed);
        check_one_line(result, "at byte");
    }
}

TEST_CASE("uring-client says that a connection was reset in the middle") {
    for (const std::string& response : {std::string(), ok + "Conte", ok + "Content-Length: 10\r\n\r\nabc"}) {
        answering_server server([&](socket_client& client) {
            client.send(response);
            client.reset();
        });
        const outcome result = run(ours({server.url()}));
        CHECK(result.code == receive_failed);
        check_one_line(result, "cannot receive from " + server.host() + ": Connection reset by peer");
    }
}

TEST_CASE("uring-client --retry-connrefused waits for a server that does not listen yet") {
    // A port that is taken, and at which nobody listens, until somebody does.
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&place), size) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&place), &size) == 0);
    const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(place.sin_port));

    const outcome refused = run(ours({"--retry", "5", "--retry-delay", "0.01", url}));
    CHECK(refused.code == 7);
    check_one_line(refused, "Connection refused");
    const outcome in_vain = run(ours({"--retry", "2", "--retry-delay", "0.01", "--retry-connrefused", url}));
    CHECK(in_vain.code == 7);
    CHECK(std::count(in_vain.errors.begin(), in_vain.errors.end(), '\n') == 3);

    process client(ours({"--retry", "100000", "--retry-delay", "0.01", "--retry-connrefused", url}));
    CHECK(client.read_error_line().value_or("").find("trying again") != std::string::npos);
    REQUIRE(::listen(fd, 1) == 0);
    pollfd come{fd, POLLIN, 0};
    REQUIRE(::poll(&come, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) == 1);
    {
        socket_client server(::accept(fd, nullptr, nullptr));
        read_request(server);
        server.send(sized("here"));
        CHECK(client.read_output() == "here");
    }
    CHECK(client.wait() == done);
    ::close(fd);
}

TEST_CASE("uring-client reports that the server stopped to listen") {
    one_client_server server([](socket_client& client) {
        client.receive_until("\r\n\r\n");
        client.reset();
    });
    const outcome result = run(ours({"-d", "@-", server.url()}), std::string(20'000'000, 'x'));
    CHECK((result.code == 55 || result.code == receive_failed)); // whichever direction notices first
    check_one_line(result, server.host());
}

TEST_CASE("uring-client says why there is no connection") {
    const std::string port = closed_port();
    const outcome refused = run(ours({"http://127.0.0.1:" + port}));
    CHECK(refused.code == 7);
    check_one_line(refused,
                   "cannot connect to 127.0.0.1:" + port + ": Connection refused (is the server running there?)");
    CHECK(run(curl({"http://127.0.0.1:" + port})).code == 7);

    const outcome ipv6 = run(ours({"http://[::1]:" + port}));
    CHECK(ipv6.code == 7);
    check_one_line(ipv6, "cannot connect to [::1]:" + port);

    const outcome unknown = run(ours({"http://no-such-name.invalid/"}));
    CHECK(unknown.code == 6);
    check_one_line(unknown, "cannot resolve 'no-such-name.invalid'");
    CHECK(run(curl({"http://no-such-name.invalid/"})).code == 6);
}

TEST_CASE("uring-client tells a bad URL from a scheme that it does not speak") {
    const outcome space = run(ours({"http://a b/"}));
    CHECK(space.code == 3);
    check_one_line(space, "at byte 8, a space");
    const outcome ftp = run(ours({"ftp://localhost/"}));
    CHECK(ftp.code == 1);
    check_one_line(ftp, "the scheme 'ftp' is not supported");
    CHECK(run(ours({"http://me:sec%ret@localhost/"})).code == 3);
    CHECK(run(ours({"http://localhost/\r\nX: y"})).code == 3);
}

TEST_CASE("uring-client gives up when its time has passed") {
    const auto silent = [](socket_client& client) { client.receive_all(); };
    answering_server nothing(silent);
    const outcome waiting = run(ours({"--max-time", "0.2", nothing.url()}));
    CHECK(waiting.code == 28);
    check_one_line(waiting, "timed out after 0.2 s (--max-time), waiting for " + nothing.host() + " (0 bytes");
    answering_server quiet(silent);
    CHECK(run(curl({"--max-time", "0.2", quiet.url()})).code == 28);

    answering_server half([](socket_client& client) {
        client.send(ok + "Content-Length: 10\r\n\r\nabc");
        client.receive_all();
    });
    const outcome cut = run(ours({"-m", "0.2", half.url()}));
    CHECK(cut.code == 28);
    CHECK(cut.output == "abc");
    check_one_line(cut, "42 bytes");

    answering_server quick(sized("in time"));
    CHECK(run(ours({"--max-time", "50", "--connect-timeout", "50", quick.url()})).output == "in time");
}

TEST_CASE("uring-client gives up on a connection that nobody answers") {
    // A listener whose queue is full drops what asks for more.
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    auto* address = reinterpret_cast<sockaddr*>(&here);
    REQUIRE(::bind(listener, address, size) == 0);
    REQUIRE(::listen(listener, 0) == 0);
    REQUIRE(::getsockname(listener, address, &size) == 0);
    std::vector<int> waiting{listener};
    for (int i = 0; i < 8; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)::connect(fd, address, size);
        waiting.push_back(fd);
    }
    const std::string port = std::to_string(ntohs(here.sin_port));
    const outcome connecting = run(ours({"--connect-timeout", "0.2", "http://127.0.0.1:" + port}));
    CHECK(connecting.code == 28);
    check_one_line(connecting, "cannot connect to 127.0.0.1:" + port + ": no answer in 0.2 s");
    const outcome all = run(ours({"--max-time", "0.2", "http://127.0.0.1:" + port}));
    CHECK(all.code == 28);
    check_one_line(all, "timed out after 0.2 s (--max-time), connecting to 127.0.0.1:" + port);
    const outcome tcp = run(ours({"tcp", "--connect-timeout", "0.2", "127.0.0.1", port}));
    CHECK(tcp.code == 28);
    check_one_line(tcp, "no answer in 0.2 s");
    for (int fd : waiting) ::close(fd);
}

TEST_CASE("uring-client says that what it should send cannot be read") {
    temporary_folder folder;
    const outcome missing = run(ours({"-d", "@" + (folder / "none"), "http://localhost"}));
    CHECK(missing.code == 26);
    check_one_line(missing, "cannot read " + (folder / "none") + ": No such file or directory");
    CHECK(run(ours({"-d", "@" + (folder / ""), "http://localhost"})).code == 26);
}

TEST_CASE("uring-client refuses a command line that it does not understand") {
    const std::vector<std::vector<std::string>> table = {
        {},
        {"--no-such-option", "http://h"},
        {"-o", "a", "-o", "b", "http://h"},
        {"-d", "x", "-F", "a=b", "http://h"},
        {"-T", "file", "-d", "x", "http://h"},
        {"-F", "no value", "http://h"},
        {"-G", "http://h"},
        {"-G", "-d", "a b", "http://h"},
        {"-u", "nobody", "http://h"},
        {"-u", "a:b\r\nX: y", "http://h"},
        {"-A", "a\nb", "http://h"},
        {"-b", "cookies.txt", "http://h"},
        {"-C", "5", "-o", "f", "http://h"},
        {"-C", "-", "http://h"},
        {"-C", "-", "-d", "x", "-o", "f", "http://h"},
        {"-4", "-6", "http://h"},
        {"--resolve", "nonsense", "http://h"},
        {"-x", "socks5://h", "http://h"},
        {"-w", "%{no_such_thing}", "http://h"},
        {"--max-filesize", "big", "http://h"},
        {"--max-redirs", "-2", "http://h"},
        {"--retry", "-1", "http://h"},
        {"--parallel-max", "0", "http://h"},
        {"-H"},
        {"-H", "no colon", "http://h"},
        {"-H", ": no name", "http://h"},
        {"-H", "bad name: x", "http://h"},
        {"-H", "A: b\r\nInjected: c", "http://h"},
        {"-H", "A: b\nInjected: c", "http://h"},
        {"-H", "A\r: b", "http://h"},
        {"-H", "Host: a", "-H", "Host: b", "http://h"},
        {"-H", "Content-Length: 5", "http://h"},
        {"-H", "Content-Length: 5", "-d", "abc", "http://h"},
        {"-H", "Content-Length:", "-d", "abc", "http://h"},
        {"-H", "Transfer-Encoding: chunked", "http://h"},
        {"-X", "", "http://h"},
        {"-X", "GET / HTTP/1.1\r\nA: b\r\n\r\n", "http://h"},
        {"-X", "CONNECT", "http://h"},
        {"-I", "-d", "x", "http://h"},
        {"-m", "-1", "http://h"},
        {"-m", "nan", "http://h"},
        {"-m", "inf", "http://h"},
        {"-m", "1e300", "http://h"},
        {"-m", "1s", "http://h"},
        {"--connect-timeout", "soon", "http://h"},
        {"tcp"},
        {"tcp", "localhost"},
        {"tcp", "localhost", "0"},
        {"tcp", "--tls", "--listen", "localhost", "0"},
        {"tcp", "--cert", "file", "localhost", "1"},
        {"tcp", "localhost", "65536"},
        {"tcp", "localhost", "http"},
        {"tcp", "localhost", "1", "2"},
        {"-i", "tcp", "localhost", "1"},
    };
    for (const auto& arguments : table) {
        std::string shown;
        for (const std::string& each : arguments) shown += each + ' ';
        INFO(shown);
        const outcome result = run(ours(arguments));
        CHECK(result.code == 2);
        CHECK(result.output.empty());
        check_one_line(result, "");
    }
}
