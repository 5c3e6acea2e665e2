#include "ground.hpp"

#include <array>
#include <cerrno>
#include <poll.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

auto cancel(std::uint64_t request, int flags = 0) {
    return [=](io_uring_sqe* sqe) { io_uring_prep_cancel64(sqe, request, flags); };
}

auto watch(int fd) {
    return [=](io_uring_sqe* sqe) { io_uring_prep_poll_add(sqe, fd, POLLIN); };
}

} // namespace

TEST_CASE_METHOD(ground, "a cancel that finds its request ends it, whatever it waits for") {
    test_buffers buffers(ring(), 2, 16);
    const listener from = listen();
    const auto [client, server] = connect(from);
    const int event = own(tuyau::system::open_event());
    std::array<char, 8> space{};
    __kernel_timespec hour{3600, 0};
    const auto ends = [&](std::uint64_t waiting) {
        CHECK(ring().is_quiet());
        CHECK(ring().result_of(cancel(waiting)) == 0);
        const completion ended = ring().next(waiting);
        CHECK(ended.result == -ECANCELED);
        CHECK_FALSE(ended.more);
        CHECK_FALSE(ended.buffer);
        CHECK(ring().result_of(cancel(waiting)) == -ENOENT);
    };
    ends(ring().start([&](auto* sqe) { io_uring_prep_recv(sqe, server, space.data(), space.size(), 0); }));
    ends(ring().start([&](auto* sqe) {
        io_uring_prep_recv_multishot(sqe, server, nullptr, 0, 0);
        io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
        sqe->buf_group = test_buffers::group;
    }));
    ends(ring().start([&](auto* sqe) { io_uring_prep_accept(sqe, from.fd, nullptr, nullptr, 0); }));
    ends(ring().start([&](auto* sqe) { io_uring_prep_multishot_accept(sqe, from.fd, nullptr, nullptr, 0); }));
    ends(ring().start(watch(event)));
    ends(ring().start([&](auto* sqe) { io_uring_prep_poll_multishot(sqe, event, POLLIN); }));
    ends(ring().start([&](auto* sqe) { io_uring_prep_timeout(sqe, &hour, 0, 0); }));
    send(client, "goes on");
    CHECK(receive(server, 7) == "goes on");
}

TEST_CASE_METHOD(ground, "a cancel of what is not there finds nothing") {
    CHECK(ring().result_of(cancel(12345)) == -ENOENT);
    const auto skipping = ring().start([](auto* sqe) {
        io_uring_prep_cancel64(sqe, 12345, 0);
        io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    });
    CHECK(ring().next(skipping).result == -ENOENT);
}

TEST_CASE_METHOD(ground, "a cancel that reports failures only says nothing when it has found its request") {
    const int event = own(tuyau::system::open_event());
    const auto waiting = ring().start(watch(event));
    const auto cancelling = ring().start([&](auto* sqe) {
        io_uring_prep_cancel64(sqe, waiting, 0);
        io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    });
    CHECK(ring().next(waiting).result == -ECANCELED);
    CHECK(ring().is_quiet(cancelling));
}

TEST_CASE_METHOD(ground, "a send that is cancelled after a part of it says how much it has sent") {
    const auto [client, server] = connect();
    const std::string all = pattern(1'000'000);
    const auto sending =
        ring().start([&](auto* sqe) { io_uring_prep_send(sqe, client, all.data(), all.size(), MSG_WAITALL); });
    CHECK(ring().is_quiet());
    CHECK(ring().result_of(cancel(sending)) == 0);
    const int sent = ring().next(sending).result;
    CHECK(sent > 0);
    CHECK(sent < static_cast<int>(all.size()));
    close(client);
    CHECK(receive(server, all.size()) == all.substr(0, static_cast<std::size_t>(sent)));
}

TEST_CASE_METHOD(ground, "one of several requests with the same name is cancelled, or all of them, which are counted") {
    const int event = own(tuyau::system::open_event());
    constexpr std::uint64_t name = 500'000;
    const auto watch_named = [&](io_uring_sqe* sqe) { io_uring_prep_poll_add(sqe, event, POLLIN); };
    for (int round = 0; round < 3; ++round) {
        ring().prepare(watch_named);
        // The name is given last, and so may be changed in the queue.
        ring().native()->sq.sqes[(ring().native()->sq.sqe_tail - 1) & ring().native()->sq.ring_mask].user_data = name;
        ring().submit();
    }
    CHECK(ring().result_of(cancel(name)) == 0);
    CHECK(ring().next(name).result == -ECANCELED);
    CHECK(ring().is_quiet(name));
    CHECK(ring().result_of(cancel(name, IORING_ASYNC_CANCEL_ALL)) == 2);
    CHECK(ring().next(name).result == -ECANCELED);
    CHECK(ring().next(name).result == -ECANCELED);
    CHECK(ring().result_of(cancel(name, IORING_ASYNC_CANCEL_ALL)) == 0);
}

TEST_CASE_METHOD(ground, "a cancel of all that there is counts what it found, also when that is nothing") {
    const auto [client, server] = connect();
    const int event = own(tuyau::system::open_event());
    std::array<char, 8> space{};
    const auto all = cancel(0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    const auto receiving =
        ring().start([&](auto* sqe) { io_uring_prep_recv(sqe, server, space.data(), space.size(), 0); });
    const auto polling = ring().start([&](auto* sqe) { io_uring_prep_poll_multishot(sqe, event, POLLIN); });
    CHECK(ring().is_quiet());
    CHECK(ring().result_of(all) == 2);
    CHECK(ring().next(receiving).result == -ECANCELED);
    const completion ended = ring().next(polling);
    CHECK(ended.result == -ECANCELED);
    CHECK_FALSE(ended.more);
    CHECK(ring().result_of(all) == 0);
    send(client, "x");
}

TEST_CASE_METHOD(ground, "a request and its cancel may be submitted together") {
    const int event = own(tuyau::system::open_event());
    const auto waiting = ring().prepare(watch(event));
    const auto cancelling = ring().prepare(cancel(waiting));
    CHECK(ring().submit() == 2);
    CHECK(ring().next(cancelling).result == 0);
    CHECK(ring().next(waiting).result == -ECANCELED);
}

} // namespace conformance
