#include "ground.hpp"

#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

auto receive_selecting(int fd, bool multishot, int group = test_buffers::group) {
    return [=](io_uring_sqe* sqe) {
        if (multishot)
            io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
        else
            io_uring_prep_recv(sqe, fd, nullptr, 0, 0);
        io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
        sqe->buf_group = static_cast<__u16>(group);
    };
}

auto nop() {
    return [](io_uring_sqe* sqe) { io_uring_prep_nop(sqe); };
}

} // namespace

TEST_CASE_METHOD(ground, "a receive that selects a buffer says which, and takes the one that was lent first") {
    test_buffers buffers(ring(), 2, 16);
    const auto [client, server] = connect();
    const auto receiving = ring().start(receive_selecting(server, false));
    CHECK(ring().is_quiet());
    send(client, "hello");
    const completion got = ring().next(receiving);
    CHECK(got.result == 5);
    CHECK_FALSE(got.more);
    REQUIRE(got.buffer == 0);
    CHECK(buffers.text(got) == "hello");
    send(client, "again");
    const completion next = ring().next(ring().start(receive_selecting(server, false)));
    REQUIRE(next.buffer == 1);
    CHECK(buffers.text(next) == "again");
}

TEST_CASE_METHOD(ground, "a multishot receive brings what comes, buffer by buffer, with more to come until the end") {
    test_buffers buffers(ring(), 4, 16);
    const auto [client, server] = connect();
    const auto receiving = ring().start(receive_selecting(server, true));
    for (unsigned round = 0; round < 6; ++round) {
        send(client, "some words");
        std::string got;
        while (got.size() < 10) {
            const completion each = ring().next(receiving);
            CHECK(each.more);
            REQUIRE(each.buffer);
            got += buffers.text(each);
            buffers.give_back(*each.buffer);
        }
        CHECK(got == "some words");
    }
    tuyau::system::shut_down(client, SHUT_WR);
    const completion end = ring().next(receiving);
    CHECK(end.result == 0);
    CHECK_FALSE(end.more);
    CHECK_FALSE(end.buffer);
}

TEST_CASE_METHOD(ground, "a stream that is there already is received at once, and its end after it") {
    test_buffers buffers(ring(), 8, 16);
    const auto [client, server] = connect();
    const std::string all = pattern(60);
    send(client, all);
    tuyau::system::shut_down(client, SHUT_WR);
    const auto receiving = ring().start(receive_selecting(server, true));
    std::string got;
    completion each;
    while ((each = ring().next(receiving)).result > 0) {
        CHECK(each.more);
        got += buffers.text(each);
    }
    CHECK(got == all);
    CHECK(each.result == 0);
    CHECK_FALSE(each.more);
}

TEST_CASE_METHOD(ground, "an empty group is an error at once, also when there is nothing to receive") {
    test_buffers buffers(ring(), 0, 16);
    const auto [client, server] = connect();
    for (const bool multishot : {false, true}) {
        const completion refused = ring().next(ring().start(receive_selecting(server, multishot)));
        CHECK(refused.result == -ENOBUFS);
        CHECK_FALSE(refused.more);
        CHECK_FALSE(refused.buffer);
    }
    CHECK(ring().result_of(receive_selecting(server, true, 9)) == -ENOBUFS); // a group that is not there
    send(client, "x");
}

TEST_CASE_METHOD(ground, "a multishot receive ends when its group has run dry, and what is left comes with the next") {
    test_buffers buffers(ring(), 3, 16);
    const auto [client, server] = connect();
    const std::string all = pattern(80);
    const auto sending =
        ring().start([&](auto* sqe) { io_uring_prep_send(sqe, client, all.data(), all.size(), MSG_WAITALL); });
    CHECK(ring().next(sending).result == 80);
    std::string got;
    int dry = 0;
    auto receiving = ring().start(receive_selecting(server, true));
    while (got.size() < all.size()) {
        const completion each = ring().next(receiving);
        if (each.result == -ENOBUFS) {
            CHECK_FALSE(each.more);
            ++dry;
            for (unsigned id = 0; id < 3; ++id) buffers.give_back(id);
            receiving = ring().start(receive_selecting(server, true));
            continue;
        }
        REQUIRE(each.result > 0);
        CHECK(each.more);
        got += buffers.text(each);
    }
    CHECK(got == all);
    CHECK(dry >= 1);
}

TEST_CASE_METHOD(ground, "a group that is given a buffer while a receive waits serves it") {
    test_buffers buffers(ring(), 1, 16);
    const auto [client, server] = connect();
    const auto receiving = ring().start(receive_selecting(server, true));
    send(client, "one");
    const completion first = ring().next(receiving);
    CHECK(first.more);
    CHECK(ring().is_quiet(receiving)); // nothing to receive: nothing is missing
    buffers.give_back(*first.buffer);
    send(client, "two");
    const completion second = ring().next(receiving);
    CHECK(second.more);
    CHECK(buffers.text(second) == "two");
}

TEST_CASE_METHOD(ground, "two receives share a group") {
    test_buffers buffers(ring(), 4, 16);
    const listener from = listen();
    const connected_pair one = connect(from);
    const connected_pair other = connect(from);
    const auto first = ring().start(receive_selecting(one.server, true));
    const auto second = ring().start(receive_selecting(other.server, true));
    send(one.client, "1");
    CHECK(buffers.text(ring().next(first)) == "1");
    send(other.client, "2");
    CHECK(buffers.text(ring().next(second)) == "2");
    CHECK(ring().is_quiet());
}

TEST_CASE_METHOD(ground, "a multishot receive that finds the completion queue full ends with data") {
    const auto [client, server] = connect();
    test_ring small(2, 2);
    test_buffers buffers(small, 4, 16);
    const auto receiving = small.start(receive_selecting(server, true));
    small.start(nop());
    small.start(nop());
    send(client, "last");
    ring().is_quiet();
    // The bytes are taken while the two completions before are not read yet.
    io_uring_submit_and_get_events(small.native());
    const completion got = small.next(receiving);
    CHECK(got.result == 4);
    CHECK_FALSE(got.more);
    REQUIRE(got.buffer);
    CHECK(buffers.text(got) == "last");
}

TEST_CASE_METHOD(ground, "a buffer group has one number, and a number of entries that is a power of two") {
    test_buffers buffers(ring(), 1, 16);
    int error = 0;
    CHECK(io_uring_setup_buf_ring(ring().native(), 8, test_buffers::group, 0, &error) == nullptr);
    CHECK(error == -EEXIST);
    CHECK(io_uring_setup_buf_ring(ring().native(), 6, 1, 0, &error) == nullptr);
    CHECK(error == -EINVAL);
    CHECK(io_uring_setup_buf_ring(ring().native(), 65536, 1, 0, &error) == nullptr);
    CHECK(error == -EINVAL);
}

} // namespace conformance
