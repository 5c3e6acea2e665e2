#include "ground.hpp"

#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

int bind_and_listen(int fd, const sockaddr* where, unsigned size) {
    const int bound = tuyau::system::bind(fd, where, size);
    return bound < 0 ? bound : tuyau::system::listen(fd, 16);
}

} // namespace

TEST_CASE_METHOD(ground, "a port that somebody listens on is taken until it is closed") {
    const listener first = listen();
    const int second = new_socket();
    tuyau::system::set_option(second, SOL_SOCKET, SO_REUSEADDR, 1);
    CHECK(tuyau::system::bind(second, first.native(), sizeof first.where) == -EADDRINUSE);
    close(first.fd);
    CHECK(bind_and_listen(second, first.native(), sizeof first.where) == 0);
    CHECK(start_connect_result(new_socket(), first) == 0);
}

TEST_CASE_METHOD(ground, "a port can be listened on again while connections that came through it live on") {
    const listener first = listen();
    const connected_pair pair = connect(first);
    close(first.fd);
    const int second = new_socket();
    tuyau::system::set_option(second, SOL_SOCKET, SO_REUSEADDR, 1);
    CHECK(bind_and_listen(second, first.native(), sizeof first.where) == 0);
    send(pair.client, "x");
    CHECK(receive(pair.server, 1) == "x");
}

TEST_CASE_METHOD(ground, "two sockets listen on one port when both have asked to share it") {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* native = reinterpret_cast<const sockaddr*>(&where);
    unsigned size = sizeof where;
    const int first = new_socket();
    const int second = new_socket();
    const int third = new_socket();
    tuyau::system::set_option(first, SOL_SOCKET, SO_REUSEPORT, 1);
    tuyau::system::set_option(second, SOL_SOCKET, SO_REUSEPORT, 1);
    REQUIRE(bind_and_listen(first, native, size) == 0);
    REQUIRE(tuyau::system::local_address(first, reinterpret_cast<sockaddr*>(&where), &size) == 0);
    CHECK(bind_and_listen(second, native, size) == 0);
    CHECK(bind_and_listen(third, native, size) == -EADDRINUSE);

    const auto accept_many = [](int fd) {
        return [fd](io_uring_sqe* sqe) { io_uring_prep_multishot_accept(sqe, fd, nullptr, nullptr, 0); };
    };
    ring().start(accept_many(first));
    ring().start(accept_many(second));
    for (int round = 0; round < 10; ++round) {
        const int client = new_socket();
        const auto connecting =
            ring().start([&](auto* sqe) { io_uring_prep_connect(sqe, client, native, sizeof where); });
        CHECK(ring().next(connecting).result == 0);
        const completion accepted = ring().next(); // of either
        own(accepted.result);
        CHECK(accepted.more);
    }
    ring().cancel_all();
    close(first);
    for (int round = 0; round < 5; ++round) connect({second, where});
}

TEST_CASE_METHOD(ground, "one connection more than the backlog is let in, and the next when there is room again") {
    const listener from = listen(1);
    CHECK(start_connect_result(new_socket(), from) == 0);
    CHECK(start_connect_result(new_socket(), from) == 0);
    const int third = new_socket();
    const auto connecting =
        ring().start([&](auto* sqe) { io_uring_prep_connect(sqe, third, from.native(), sizeof from.where); });
    CHECK(ring().is_quiet());
    accept(from);
    accept(from);
    const int server = accept(from); // the third one knocks again after a second
    CHECK(ring().next(connecting).result == 0);
    send(server, "in");
    CHECK(receive(third, 2) == "in");
}

TEST_CASE_METHOD(ground, "connections that wait when their listener is closed are reset") {
    const listener from = listen();
    const int client = new_socket();
    CHECK(start_connect_result(client, from) == 0);
    close(from.fd);
    CHECK(receive_result(client) == -ECONNRESET);
    CHECK(start_connect_result(new_socket(), from) == -ECONNREFUSED);
}

TEST_CASE_METHOD(ground, "a listener and both ends of a connection know their addresses") {
    const listener from = listen();
    const connected_pair pair = connect(from);
    const auto port = [](int fd, auto ask) {
        sockaddr_in told{};
        unsigned size = sizeof told;
        const int error = ask(fd, reinterpret_cast<sockaddr*>(&told), &size);
        return error < 0 ? error : ntohs(told.sin_port);
    };
    using tuyau::system::local_address;
    using tuyau::system::peer_address;
    CHECK(port(from.fd, local_address) == ntohs(from.where.sin_port));
    CHECK(port(pair.server, local_address) == ntohs(from.where.sin_port));
    CHECK(port(pair.client, peer_address) == ntohs(from.where.sin_port));
    CHECK(port(pair.server, peer_address) == port(pair.client, local_address));
    CHECK(port(from.fd, peer_address) == -ENOTCONN);
    CHECK(port(new_socket(), peer_address) == -ENOTCONN);
    const int no_socket = own(tuyau::system::open_event());
    CHECK(port(no_socket, local_address) == -ENOTSOCK);
    CHECK(port(-1, peer_address) == -EBADF);
}

} // namespace conformance
