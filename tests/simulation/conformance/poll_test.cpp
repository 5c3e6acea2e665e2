#include "ground.hpp"

#include <array>
#include <cerrno>
#include <poll.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

auto poll_once(int fd, unsigned events = POLLIN) {
    return [=](io_uring_sqe* sqe) { io_uring_prep_poll_add(sqe, fd, events); };
}

auto poll_on(int fd) {
    return [=](io_uring_sqe* sqe) { io_uring_prep_poll_multishot(sqe, fd, POLLIN); };
}

} // namespace

TEST_CASE_METHOD(ground, "a poll tells once that an event was raised") {
    const int event = own(tuyau::system::open_event());
    const auto polling = ring().start(poll_once(event));
    CHECK(ring().is_quiet());
    tuyau::system::raise_event(event);
    const completion ready = ring().next(polling);
    CHECK(ready.result == POLLIN);
    CHECK_FALSE(ready.more);
    tuyau::system::raise_event(event);
    CHECK(ring().is_quiet());
    CHECK(ring().result_of(poll_once(event)) == POLLIN);
}

TEST_CASE_METHOD(ground, "a multishot poll tells of each time that an event is raised, though nobody reads it") {
    const int event = own(tuyau::system::open_event());
    const auto polling = ring().start(poll_on(event));
    for (int round = 0; round < 4; ++round) {
        CHECK(ring().is_quiet());
        tuyau::system::raise_event(event);
        const completion ready = ring().next(polling);
        CHECK(ready.result == POLLIN);
        CHECK(ready.more);
    }
}

TEST_CASE_METHOD(ground, "a multishot poll begins with an event that was raised before") {
    const int event = own(tuyau::system::open_event());
    tuyau::system::raise_event(event);
    const auto polling = ring().start(poll_on(event));
    CHECK(ring().next(polling).more);
    CHECK(ring().is_quiet());
    tuyau::system::raise_event(event);
    CHECK(ring().next(polling).more);
}

TEST_CASE_METHOD(ground, "reading an event takes all that was raised") {
    const int event = own(tuyau::system::open_event());
    std::uint64_t count = 0;
    const auto read = [&](unsigned size) {
        return [&, size](io_uring_sqe* sqe) { io_uring_prep_read(sqe, event, &count, size, 0); };
    };
    tuyau::system::raise_event(event);
    tuyau::system::raise_event(event);
    CHECK(ring().result_of(read(8)) == 8);
    CHECK(count == 2);
    const auto reading = ring().start(read(8));
    CHECK(ring().is_quiet());
    tuyau::system::raise_event(event);
    CHECK(ring().next(reading).result == 8);
    CHECK(count == 1);
    CHECK(ring().result_of(read(4)) == -EINVAL);
}

TEST_CASE_METHOD(ground, "a poll of a socket tells of bytes, of the end, and of a reset") {
    const listener from = listen();
    const connected_pair pair = connect(from);
    const auto polling = ring().start(poll_once(pair.server));
    CHECK(ring().is_quiet());
    send(pair.client, "x");
    CHECK(ring().next(polling).result == POLLIN);
    CHECK(ring().result_of(poll_once(pair.server)) == POLLIN); // still there
    CHECK(receive(pair.server, 1) == "x");
    tuyau::system::shut_down(pair.client, SHUT_WR);
    CHECK(ring().result_of(poll_once(pair.server)) == (POLLIN | POLLRDHUP));
    CHECK(ring().result_of(poll_once(pair.server, POLLOUT)) == (POLLOUT | POLLRDHUP));

    const connected_pair other = connect(from);
    reset(other.server, other.client);
    CHECK((until_hung_up(other.client) & (POLLERR | POLLHUP | POLLRDHUP)) == (POLLERR | POLLHUP | POLLRDHUP));
    CHECK(ring().result_of(poll_once(other.client)) == (POLLIN | POLLERR | POLLHUP | POLLRDHUP));
    CHECK(receive_result(other.client) == -ECONNRESET);
    CHECK(ring().result_of(poll_once(other.client)) == (POLLIN | POLLHUP | POLLRDHUP));
}

TEST_CASE_METHOD(ground, "a poll of a listener tells of a connection that waits") {
    const listener from = listen();
    const auto polling = ring().start(poll_once(from.fd));
    CHECK(ring().is_quiet());
    CHECK(start_connect_result(new_socket(), from) == 0);
    CHECK(ring().next(polling).result == POLLIN);
    CHECK((ring().result_of(poll_once(new_socket(), POLLIN)) & POLLHUP) != 0);
    CHECK(ring().result_of(poll_once(-1)) == -EBADF);
}

} // namespace conformance
