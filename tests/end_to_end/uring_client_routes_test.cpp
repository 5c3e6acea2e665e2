// Which way uring-client goes: proxies, Unix sockets, several at a time.

#include <exception>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "support/scripted_server.hpp"
#include "uring_client_support.hpp"

using namespace tests;

namespace {

/// A socket that listens at `path`.
class unix_listener {
public:
    explicit unix_listener(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        path.copy(where.sun_path, sizeof where.sun_path - 1);
        const timeval longest{patience.count(), 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 || ::listen(fd_, 4) != 0)
            throw std::runtime_error("cannot listen at " + path);
    }
    unix_listener(const unix_listener&) = delete;
    unix_listener& operator=(const unix_listener&) = delete;
    ~unix_listener() { ::close(fd_); }

    /// As that of `socket_server`.
    int accept() const {
        const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) throw std::runtime_error("nobody came");
        return client;
    }

private:
    int fd_;
};

} // namespace

TEST_CASE("uring-client --unix-socket asks there, whatever the URL and the proxies are") {
    temporary_folder folder;
    const unix_listener listener(folder / "socket");
    std::string request;
    std::string trouble;
    std::thread server([&] {
        try {
            socket_client client(listener.accept());
            request = read_request(client);
            client.send(sized("by the socket"));
        } catch (const std::exception& error) {
            trouble = error.what();
        }
    });
    const outcome got = run({"env", "http_proxy=http://127.0.0.1:" + closed_port(), program("uring-client"),
                             "--unix-socket", folder / "socket", "http://name.invalid:81/path"});
    server.join();
    CHECK(trouble.empty());
    CHECK(got.errors.empty());
    CHECK(got.output == "by the socket");
    CHECK(request.starts_with("GET /path HTTP/1.1\r\nHost: name.invalid:81\r\n"));
}

TEST_CASE("uring-client --unix-socket says in one line why it cannot be used") {
    temporary_folder folder;
    const outcome none = run(ours({"--unix-socket", folder / "none", "http://a/"}));
    CHECK(none.code == 7);
    check_one_line(none, folder / "none");
    const outcome long_one = run(ours({"--unix-socket", "/" + std::string(200, 'a'), "http://a/"}));
    CHECK(long_one.code == 2);
    check_one_line(long_one, "--unix-socket");
}

TEST_CASE(
    "uring-client asks the proxy that it is told of, by option or by the environment, and not for whom it should not") {
    const std::string asked = "GET http://name.invalid/path HTTP/1.1\r\nHost: name.invalid\r\n";
    const std::string url = "http://name.invalid/path";
    const auto with = [](const std::string& variable, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"env", variable, program("uring-client")});
        return run(arguments);
    };
    answering_server by_option(sized("proxy"));
    CHECK(run(ours({"-x", by_option.host(), url})).output == "proxy");
    CHECK(by_option.request().starts_with(asked));

    answering_server by_variable(sized("proxy"));
    CHECK(with("http_proxy=" + by_variable.url(), {url}).output == "proxy");
    CHECK(by_variable.request().starts_with(asked));

    answering_server with_name(sized("proxy"));
    CHECK(run(ours({"-x", with_name.host(), "-U", "me:secret", url})).output == "proxy");
    CHECK(with_name.request().find("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n") != std::string::npos);

    const std::string nobody = "http://127.0.0.1:" + closed_port();
    answering_server directly(sized("direct"));
    CHECK(with("http_proxy=" + nobody, {"--noproxy", "127.0.0.1", directly.url("/path")}).output == "direct");
    CHECK(directly.request().starts_with("GET /path HTTP/1.1\r\n"));

    answering_server past_option(sized("direct"));
    CHECK(with("no_proxy=127.0.0.1", {"-x", nobody, past_option.url("/path")}).output == "direct");
    CHECK(past_option.request().starts_with("GET /path HTTP/1.1\r\n"));

    answering_server all_the_same(sized("proxy"));
    CHECK(with("no_proxy=*", {"-x", all_the_same.host(), "--noproxy", "", url}).output == "proxy");
    CHECK(all_the_same.request().starts_with(asked));

    const outcome refused = run(ours({"-x", nobody, url}));
    CHECK(refused.code == 7);
    check_one_line(refused, "127.0.0.1");
}

TEST_CASE("uring-client tells what a proxy answers to a wish for a tunnel") {
    answering_server refuses("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    const outcome got = run(ours({"-x", refuses.host(), "https://name.invalid/"}));
    CHECK(refuses.request().starts_with("CONNECT name.invalid:443 HTTP/1.1\r\nHost: name.invalid:443\r\n"));
    CHECK(got.code == 56);
    check_one_line(got, "403");
}

TEST_CASE("uring-client -m bounds each of several that go on at once, and keeps what was whole") {
    temporary_folder folder;
    scripted_server silent([](conversation& client) { client.wait_for_end(); });
    scripted_server quick(answer(sized("whole")));
    const outcome got = run(ours({"-Z", "-m", "0.2", "-o", folder / "1", silent.url(), "-o", folder / "2", quick.url(),
                                  "-o", folder / "3", silent.url()}));
    CHECK(got.code == 28);
    CHECK(folder.files() == 1);
    CHECK(contents(folder / "2") == "whole");
}

TEST_CASE("uring-client brings 200 MB to a file in little memory") {
    constexpr std::size_t size = 200'000'000;
    temporary_folder folder;
    std::size_t memory = 0;
    std::promise<const process*> started;
    scripted_server server([&](conversation& peer) {
        peer.receive_request();
        const process* client = started.get_future().get();
        peer.send(ok + "Content-Length: " + std::to_string(size) + "\r\n\r\n");
        peer.send_pattern(size - 1);
        memory = client->memory(); // while it waits for the last byte
        peer.send(pattern(size - 1, 1));
    });
    process program(ours({"-o", folder / "file", server.url()}));
    started.set_value(&program);
    CHECK(program.wait() == done);
    CHECK(program.read_errors().empty());
    CHECK(server.failures().empty());
    if (memory_tells) CHECK(memory < 32'000'000);
    std::ifstream file(folder / "file", std::ios::binary);
    std::string piece(1'000'000, '\0');
    std::size_t at = 0;
    while (file.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
        REQUIRE(same(piece, pattern(at, piece.size())));
        at += piece.size();
    }
    CHECK(at == size);
    CHECK(file.gcount() == 0);
}
