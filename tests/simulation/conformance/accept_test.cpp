#include "ground.hpp"

#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

auto accept_one(int fd) {
    return [fd](io_uring_sqe* sqe) { io_uring_prep_accept(sqe, fd, nullptr, nullptr, SOCK_CLOEXEC); };
}

auto accept_many(int fd) {
    return [fd](io_uring_sqe* sqe) { io_uring_prep_multishot_accept(sqe, fd, nullptr, nullptr, SOCK_CLOEXEC); };
}

} // namespace

TEST_CASE_METHOD(ground, "an accept waits for a connection and brings its descriptor") {
    const listener from = listen();
    const auto accepting = ring().start(accept_one(from.fd));
    CHECK(ring().is_quiet());
    const int client = new_socket();
    CHECK(start_connect_result(client, from) == 0);
    const completion accepted = ring().next(accepting);
    REQUIRE(accepted.result >= 0);
    CHECK_FALSE(accepted.more);
    own(accepted.result);
    send(client, "hello");
    CHECK(receive(accepted.result, 5) == "hello");
}

TEST_CASE_METHOD(ground, "an accept takes one of the connections that wait already, the oldest first") {
    const listener from = listen();
    const int first = new_socket();
    const int second = new_socket();
    CHECK(start_connect_result(first, from) == 0);
    CHECK(start_connect_result(second, from) == 0);
    send(first, "1");
    send(second, "2");
    const int one = accept(from);
    CHECK(receive(one, 1) == "1");
    const int two = accept(from);
    CHECK(receive(two, 1) == "2");
}

TEST_CASE_METHOD(ground, "a multishot accept brings each connection, with more to come") {
    const listener from = listen();
    const auto accepting = ring().start(accept_many(from.fd));
    for (int round = 0; round < 3; ++round) {
        CHECK(start_connect_result(new_socket(), from) == 0);
        const completion accepted = ring().next(accepting);
        CHECK(accepted.more);
        own(accepted.result);
    }
    CHECK(ring().is_quiet(accepting));
}

TEST_CASE_METHOD(ground, "a multishot accept begins with the connections that wait already") {
    const listener from = listen();
    CHECK(start_connect_result(new_socket(), from) == 0);
    CHECK(start_connect_result(new_socket(), from) == 0);
    const auto accepting = ring().start(accept_many(from.fd));
    for (int round = 0; round < 2; ++round) {
        const completion accepted = ring().next(accepting);
        CHECK(accepted.more);
        own(accepted.result);
    }
}

TEST_CASE_METHOD(ground,
                 "a multishot accept ends without a descriptor to give, and the connection waits for the next one") {
    const listener from = listen();
    const int client = new_socket();
    const int spare = own(tuyau::system::open_event());
    here().leave_descriptors(0); // a request keeps to the limit that it began with
    const auto accepting = ring().start(accept_many(from.fd));
    CHECK(start_connect_result(client, from) == 0);
    const completion refused = ring().next(accepting);
    CHECK(refused.result == -EMFILE);
    CHECK_FALSE(refused.more);
    CHECK(ring().result_of(accept_one(from.fd)) == -EMFILE);
    close(spare);
    const int server = accept(from);
    send(client, "still here");
    CHECK(receive(server, 10) == "still here");
    CHECK(tuyau::system::open_event() == -EMFILE);
    CHECK(tuyau::system::open_socket(AF_INET, SOCK_STREAM, 0) == -EMFILE);
}

TEST_CASE_METHOD(ground, "a connection whose peer has closed it is still accepted, and then at its end") {
    const listener from = listen();
    const int client = new_socket();
    CHECK(start_connect_result(client, from) == 0);
    send(client, "bye");
    close(client);
    const int server = accept(from);
    CHECK(receive(server, 100) == "bye");
    CHECK(receive_result(server) == 0);
}

TEST_CASE_METHOD(ground, "only a listening socket accepts") {
    CHECK(ring().result_of(accept_one(new_socket())) == -EINVAL);
    CHECK(ring().result_of(accept_many(new_socket())) == -EINVAL);
    CHECK(ring().result_of(accept_one(own(tuyau::system::open_event()))) == -ENOTSOCK);
    CHECK(ring().result_of(accept_one(-1)) == -EBADF);
    CHECK(ring().result_of(accept_many(-1)) == -EBADF);
}

TEST_CASE_METHOD(ground, "a shutdown of the listener ends its accepts") {
    const listener from = listen();
    const auto one = ring().start(accept_one(from.fd));
    CHECK(tuyau::system::shut_down(from.fd, SHUT_RDWR) == 0);
    CHECK(ring().next(one).result == -EINVAL);
    CHECK(start_connect_result(new_socket(), from) == -ECONNREFUSED);
}

} // namespace conformance
