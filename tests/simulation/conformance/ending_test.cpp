#include "ground.hpp"

#include <array>
#include <cerrno>
#include <poll.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

int send_result(test_ring& ring, int fd) {
    return ring.result_of([fd](auto* sqe) { io_uring_prep_send(sqe, fd, "text", 4, MSG_WAITALL); });
}

} // namespace

TEST_CASE_METHOD(ground, "after one end has said its last, the other can still speak") {
    const auto [client, server] = connect();
    CHECK(tuyau::system::shut_down(client, SHUT_WR) == 0);
    CHECK(receive_result(server) == 0);
    send(server, "an answer");
    CHECK(receive(client, 9) == "an answer");
    CHECK(send_result(ring(), client) == -EPIPE);
    CHECK(tuyau::system::shut_down(client, SHUT_WR) == 0);
}

TEST_CASE_METHOD(ground, "a connection that both ends have ended is not connected any more") {
    const auto [client, server] = connect();
    CHECK(tuyau::system::shut_down(client, SHUT_WR) == 0);
    CHECK(receive_result(server) == 0);
    CHECK(tuyau::system::shut_down(server, SHUT_WR) == 0);
    CHECK(receive_result(client) == 0);
    CHECK((until_hung_up(client) & POLLHUP) != 0);
    ring().is_quiet(); // until the last acknowledgement has come
    CHECK(tuyau::system::shut_down(client, SHUT_WR) == -ENOTCONN);
    CHECK(tuyau::system::shut_down(server, SHUT_WR) == -ENOTCONN);
    sockaddr_in told{};
    unsigned size = sizeof told;
    CHECK(tuyau::system::peer_address(client, reinterpret_cast<sockaddr*>(&told), &size) == -ENOTCONN);
    CHECK(receive_result(client) == 0);
    CHECK(receive_result(server) == 0);
    CHECK(send_result(ring(), client) == -EPIPE);
}

TEST_CASE_METHOD(ground, "a socket whose reading was shut down gives what has come, and then the end") {
    const auto [client, server] = connect();
    send(client, "before");
    CHECK(receive(server, 3) == "bef");
    CHECK(tuyau::system::shut_down(server, SHUT_RD) == 0);
    CHECK(receive(server, 100) == "ore");
    CHECK(receive_result(server) == 0);
    CHECK(tuyau::system::shut_down(new_socket(), SHUT_RDWR) == -ENOTCONN);
    CHECK(tuyau::system::shut_down(-1, SHUT_RDWR) == -EBADF);
    CHECK(tuyau::system::shut_down(own(tuyau::system::open_event()), SHUT_RDWR) == -ENOTSOCK);
}

TEST_CASE_METHOD(ground, "a shutdown both ways ends the receive and the send that wait on the socket") {
    const auto [client, server] = connect();
    const std::string all = pattern(1'000'000);
    std::array<char, 8> space{};
    const auto receiving =
        ring().start([&](auto* sqe) { io_uring_prep_recv(sqe, server, space.data(), space.size(), 0); });
    const auto sending =
        ring().start([&](auto* sqe) { io_uring_prep_send(sqe, server, all.data(), all.size(), MSG_WAITALL); });
    CHECK(ring().is_quiet());
    CHECK(tuyau::system::shut_down(server, SHUT_RDWR) == 0);
    CHECK(ring().next(receiving).result == 0);
    const int sent = ring().next(sending).result;
    CHECK(sent > 0);
    CHECK(receive(client, all.size()) == all.substr(0, static_cast<std::size_t>(sent)));
}

TEST_CASE_METHOD(ground, "who sends to a socket that was shut down both ways gets a reset") {
    const auto [client, server] = connect();
    CHECK(tuyau::system::shut_down(server, SHUT_RDWR) == 0);
    CHECK(receive_result(client) == 0);
    send(client, "nobody listens");
    CHECK((until_hung_up(client) & POLLERR) != 0);
    CHECK(send_result(ring(), client) == -EPIPE);
}

TEST_CASE_METHOD(ground, "a close with unread bytes resets the connection") {
    const auto [client, server] = connect();
    reset(server, client);
    CHECK(receive_result(client) == -ECONNRESET);
    CHECK(receive_result(client) == 0);
    CHECK(send_result(ring(), client) == -EPIPE);
    CHECK(tuyau::system::shut_down(client, SHUT_WR) == -ENOTCONN);
}

TEST_CASE_METHOD(ground, "the first call after a reset gets the error, be it a send") {
    const auto [client, server] = connect();
    reset(server, client);
    const int ready = until_hung_up(client);
    CHECK((ready & POLLERR) != 0);
    CHECK((ready & POLLHUP) != 0);
    CHECK(send_result(ring(), client) == -ECONNRESET);
    CHECK(send_result(ring(), client) == -EPIPE);
    CHECK(receive_result(client) == 0);
}

TEST_CASE_METHOD(ground, "what had come before a reset is still received") {
    const auto [client, server] = connect();
    send(server, "before the reset");
    const int ready = ring().result_of([&](auto* sqe) { io_uring_prep_poll_add(sqe, client, POLLIN); });
    CHECK((ready & POLLIN) != 0);
    reset(server, client);
    CHECK((until_hung_up(client) & POLLERR) != 0);
    CHECK(receive(client, 16) == "before the reset");
    CHECK(receive_result(client) == -ECONNRESET);
    CHECK(receive_result(client) == 0);
}

TEST_CASE_METHOD(ground, "a reset ends the receive that waits, and a send that goes on") {
    const auto [client, server] = connect();
    const std::string all = pattern(1'000'000);
    std::array<char, 8> space{};
    const auto receiving =
        ring().start([&](auto* sqe) { io_uring_prep_recv(sqe, client, space.data(), space.size(), 0); });
    const auto sending =
        ring().start([&](auto* sqe) { io_uring_prep_send(sqe, client, all.data(), all.size(), MSG_WAITALL); });
    CHECK(ring().is_quiet());
    close(server);
    const int received = ring().next(receiving).result;
    const int sent = ring().next(sending).result;
    CHECK((received == -ECONNRESET || received == 0)); // by which of the two comes first
    CHECK(sent > 0);
    CHECK(sent < static_cast<int>(all.size()));
}

TEST_CASE_METHOD(ground, "who sends to an end that was closed in order is told by the second send") {
    const auto [client, server] = connect();
    close(server);
    CHECK(receive_result(client) == 0);
    CHECK(send_result(ring(), client) == 4);
    CHECK((until_hung_up(client) & POLLERR) != 0);
    CHECK(receive_result(client) == 0); // the end was told, and stays
    CHECK(send_result(ring(), client) == -EPIPE);
    CHECK(send_result(ring(), client) == -EPIPE);
}

TEST_CASE_METHOD(ground, "the address of the peer is lost with a reset, and kept after an end") {
    const listener from = listen();
    const connected_pair ended = connect(from);
    const connected_pair broken = connect(from);
    sockaddr_in told{};
    auto* native = reinterpret_cast<sockaddr*>(&told);
    unsigned size = sizeof told;
    close(ended.server);
    CHECK(receive_result(ended.client) == 0);
    CHECK(tuyau::system::peer_address(ended.client, native, &size) == 0);
    reset(broken.server, broken.client);
    CHECK(receive_result(broken.client) == -ECONNRESET);
    CHECK(tuyau::system::peer_address(broken.client, native, &size) == -ENOTCONN);
    CHECK(tuyau::system::local_address(broken.client, native, &size) == 0);
}

} // namespace conformance
