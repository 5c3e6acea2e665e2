#include "ground.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

constexpr std::size_t more_than_fits = 1'000'000;

auto send_all(int fd, const std::string& bytes, unsigned flags = 0) {
    return [=, &bytes](io_uring_sqe* sqe) {
        io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(), MSG_WAITALL);
        io_uring_sqe_set_flags(sqe, flags);
    };
}

} // namespace

TEST_CASE_METHOD(ground, "a send that waits for all goes on by itself until a slow reader has taken it") {
    const auto [client, server] = connect();
    const std::string all = pattern(more_than_fits);
    const auto sending = ring().start(send_all(client, all));
    CHECK(ring().is_quiet());
    const std::string half = receive(server, all.size() / 2);
    CHECK(half == all.substr(0, all.size() / 2));
    CHECK(half + receive(server, all.size() - half.size()) == all);
    const completion sent = ring().next(sending);
    CHECK(sent.result == static_cast<int>(all.size()));
    CHECK_FALSE(sent.more);
}

TEST_CASE_METHOD(ground, "a send that does not wait for all takes what fits") {
    const auto [client, server] = connect();
    const std::string all = pattern(more_than_fits);
    const int sent = ring().result_of([&](auto* sqe) { io_uring_prep_send(sqe, client, all.data(), all.size(), 0); });
    CHECK(sent > 0);
    CHECK(sent < static_cast<int>(all.size()));
    CHECK(receive(server, static_cast<std::size_t>(sent)) == all.substr(0, static_cast<std::size_t>(sent)));
}

TEST_CASE_METHOD(ground, "many pieces are sent as one, in order, whatever the reader's pace") {
    const auto [client, server] = connect();
    const std::string all = pattern(more_than_fits);
    std::vector<iovec> pieces;
    for (std::size_t from = 0, size = 1; from < all.size(); from += size, size = std::min(size * 3, all.size() - from))
        pieces.push_back({const_cast<char*>(all.data()) + from, size});
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const auto sending = ring().start([&](auto* sqe) { io_uring_prep_sendmsg(sqe, client, &message, MSG_WAITALL); });
    CHECK(receive(server, all.size()) == all);
    CHECK(ring().next(sending).result == static_cast<int>(all.size()));
}

TEST_CASE_METHOD(ground, "a send that reports failures only says nothing when it succeeds") {
    const auto [client, server] = connect();
    const std::string text = "quiet";
    const auto sending = ring().start(send_all(client, text, IOSQE_CQE_SKIP_SUCCESS));
    CHECK(receive(server, text.size()) == text);
    CHECK(ring().is_quiet(sending));
    tuyau::system::shut_down(client, SHUT_WR);
    const auto failing = ring().start(send_all(client, text, IOSQE_CQE_SKIP_SUCCESS));
    CHECK(ring().next(failing).result == -EPIPE);
}

TEST_CASE_METHOD(ground, "a send that stops short of all is told of as a failure") {
    const auto [client, server] = connect();
    const std::string all = pattern(more_than_fits);
    const auto sending = ring().start(send_all(client, all, IOSQE_CQE_SKIP_SUCCESS));
    CHECK(ring().is_quiet());
    CHECK(ring().result_of([&](auto* sqe) { io_uring_prep_cancel64(sqe, sending, 0); }) == 0);
    const int sent = ring().next(sending).result;
    CHECK(sent > 0);
    CHECK(sent < static_cast<int>(all.size()));
    close(client);
    CHECK(receive(server, all.size()) == all.substr(0, static_cast<std::size_t>(sent)));
}

TEST_CASE_METHOD(ground, "only a connected socket sends") {
    const std::string text = "x";
    CHECK(ring().result_of(send_all(new_socket(), text)) == -EPIPE);
    CHECK(ring().result_of(send_all(listen().fd, text)) == -EPIPE);
    CHECK(ring().result_of(send_all(own(tuyau::system::open_event()), text)) == -ENOTSOCK);
    CHECK(ring().result_of(send_all(-1, text)) == -EBADF);
}

TEST_CASE_METHOD(ground, "a send without a copy is told of twice: when it is done, and when its memory is free") {
    const auto [client, server] = connect();
    const std::string text = pattern(5000);
    const auto zero_copy = [&](unsigned flags) {
        return [&, flags](io_uring_sqe* sqe) {
            io_uring_prep_send_zc(sqe, client, text.data(), text.size(), MSG_WAITALL, 0);
            io_uring_sqe_set_flags(sqe, flags);
        };
    };
    const auto sending = ring().start(zero_copy(0));
    CHECK(receive(server, text.size()) == text);
    const completion sent = ring().next(sending);
    CHECK(sent.result == 5000);
    CHECK(sent.more);
    CHECK_FALSE(sent.notification);
    const completion freed = ring().next(sending);
    CHECK(freed.result == 0);
    CHECK(freed.notification);
    CHECK_FALSE(freed.more);

    CHECK(ring().result_of(zero_copy(IOSQE_CQE_SKIP_SUCCESS)) == -EINVAL);
    tuyau::system::shut_down(client, SHUT_WR);
    const auto failing = ring().start(zero_copy(0));
    const completion failed = ring().next(failing);
    CHECK(failed.result == -EPIPE);
    CHECK(failed.more);
    CHECK(ring().next(failing).notification);
}

} // namespace conformance
