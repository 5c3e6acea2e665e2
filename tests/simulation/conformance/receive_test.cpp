#include "ground.hpp"

#include <array>
#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {

TEST_CASE_METHOD(ground, "a receive waits for bytes, and takes no more than fit") {
    const auto [client, server] = connect();
    std::array<char, 4> space{};
    const auto receive_four = [&](io_uring_sqe* sqe) {
        io_uring_prep_recv(sqe, server, space.data(), space.size(), 0);
    };
    const auto receiving = ring().start(receive_four);
    CHECK(ring().is_quiet());
    send(client, "123456");
    const completion got = ring().next(receiving);
    CHECK(got.result > 0);
    CHECK(got.result <= 4);
    CHECK_FALSE(got.more);
    CHECK_FALSE(got.buffer);
    std::string all(space.data(), static_cast<std::size_t>(got.result));
    CHECK(all + receive(server, 6 - all.size()) == "123456");
}

TEST_CASE_METHOD(ground, "the end of the stream is told again and again, after all that was sent") {
    const auto [client, server] = connect();
    send(client, "last words");
    CHECK(tuyau::system::shut_down(client, SHUT_WR) == 0);
    CHECK(receive(server, 100) == "last words");
    CHECK(receive_result(server) == 0);
    CHECK(receive_result(server) == 0);
}

TEST_CASE_METHOD(ground, "a receive without waiting says when there is nothing") {
    const auto [client, server] = connect();
    std::array<char, 16> space{};
    CHECK(tuyau::system::receive_now(server, space.data(), space.size()) == -EAGAIN);
    CHECK_FALSE(tuyau::system::has_input(server));
    send(client, "now");
    const int ready = ring().result_of([&](auto* sqe) { io_uring_prep_poll_add(sqe, server, 1); });
    CHECK(ready > 0);
    CHECK(tuyau::system::has_input(server));
    CHECK(tuyau::system::receive_now(server, space.data(), space.size()) == 3);
    CHECK(std::string_view(space.data(), 3) == "now");
    tuyau::system::shut_down(client, SHUT_WR);
    (void)ring().result_of([&](auto* sqe) { io_uring_prep_poll_add(sqe, server, 1); });
    CHECK(tuyau::system::has_input(server));
    CHECK(tuyau::system::receive_now(server, space.data(), space.size()) == 0);
}

TEST_CASE_METHOD(ground, "only a connected socket receives") {
    CHECK(receive_result(new_socket()) == -ENOTCONN);
    CHECK(receive_result(listen().fd) == -ENOTCONN);
    CHECK(receive_result(own(tuyau::system::open_event())) == -ENOTSOCK);
    CHECK(receive_result(-1) == -EBADF);
}

TEST_CASE_METHOD(ground, "a multishot receive has to select its buffers, and does not wait for all") {
    const auto [client, server] = connect();
    std::array<char, 16> space{};
    CHECK(ring().result_of(
              [&](auto* sqe) { io_uring_prep_recv_multishot(sqe, server, space.data(), space.size(), 0); }) == -EINVAL);
    CHECK(ring().result_of([&](auto* sqe) {
        io_uring_prep_recv_multishot(sqe, server, nullptr, 0, MSG_WAITALL);
        io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
    }) == -EINVAL);
    CHECK(ring().result_of([&](auto* sqe) {
        io_uring_prep_recv_multishot(sqe, -1, nullptr, 0, 0);
        io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
    }) == -EBADF);
    send(client, "x");
}

TEST_CASE_METHOD(ground, "bytes arrive in order, however they were sent and received") {
    const auto [client, server] = connect();
    const std::string all = pattern(300'000);
    const auto sending =
        ring().start([&](auto* sqe) { io_uring_prep_send(sqe, client, all.data(), all.size(), MSG_WAITALL); });
    CHECK(receive(server, all.size()) == all);
    CHECK(ring().next(sending).result == static_cast<int>(all.size()));
}

} // namespace conformance
