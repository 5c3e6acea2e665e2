#include "ground.hpp"

#include <cerrno>
#include <poll.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

class cancelled_connects : public ground {
protected:
    /// A socket whose connect to a listener without room was cancelled.
    int cancelled_connect(const listener& to) {
        const int client = new_socket();
        const auto connecting =
            ring().start([&](auto* sqe) { io_uring_prep_connect(sqe, client, to.native(), sizeof to.where); });
        CHECK(ring().is_quiet());
        CHECK(ring().result_of([&](auto* sqe) { io_uring_prep_cancel64(sqe, connecting, 0); }) == 0);
        CHECK(ring().next(connecting).result == -ECANCELED);
        return client;
    }
};

} // namespace

TEST_CASE_METHOD(ground, "a connect ends when the connection stands, and never says that it is under way") {
    const listener to = listen();
    for (int round = 0; round < 10; ++round) {
        const int client = new_socket();
        CHECK(start_connect_result(client, to) == 0);
        CHECK(start_connect_result(client, to) == -EISCONN);
    }
}

TEST_CASE_METHOD(ground, "a port that nobody listens on refuses, and the socket may try again") {
    const listener to = listen();
    close(to.fd);
    const int client = new_socket();
    CHECK(start_connect_result(client, to) == -ECONNREFUSED);
    CHECK(receive_result(client) == 0);
    CHECK(start_connect_result(client, to) == -ECONNREFUSED);
    const listener other = listen();
    CHECK(start_connect_result(client, other) == 0);
}

TEST_CASE_METHOD(ground, "only a socket connects") {
    const listener to = listen();
    CHECK(start_connect_result(own(tuyau::system::open_event()), to) == -ENOTSOCK);
    CHECK(start_connect_result(-1, to) == -EBADF);
}

TEST_CASE_METHOD(ground, "bytes that are sent before the accept wait for it") {
    const listener to = listen();
    const int client = new_socket();
    CHECK(start_connect_result(client, to) == 0);
    send(client, "early");
    CHECK(receive(accept(to), 5) == "early");
}

TEST_CASE_METHOD(cancelled_connects, "a connect that is cancelled lets the socket be closed") {
    const listener to = listen(1);
    CHECK(start_connect_result(new_socket(), to) == 0);
    CHECK(start_connect_result(new_socket(), to) == 0);
    const int client = cancelled_connect(to);
    close(client);
}

TEST_CASE_METHOD(cancelled_connects,
                 "a connect that is left goes on by itself: made again, it is refused until the connection stands") {
    const listener to = listen(0);
    CHECK(start_connect_result(new_socket(), to) == 0);
    const int client = cancelled_connect(to);
    CHECK(start_connect_result(client, to) == -EALREADY);
    accept(to);
    const int ready = ring().result_of([&](auto* sqe) { io_uring_prep_poll_add(sqe, client, POLLOUT); });
    CHECK((ready & POLLOUT) != 0);
    CHECK(start_connect_result(client, to) == 0);
    CHECK(start_connect_result(client, to) == -EISCONN);
}

} // namespace conformance
