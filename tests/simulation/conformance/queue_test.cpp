#include "ground.hpp"

#include <cerrno>
#include <chrono>
#include <poll.h>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

constexpr auto nop = [](io_uring_sqe* sqe) { io_uring_prep_nop(sqe); };

int wait(test_ring& ring, unsigned count, __kernel_timespec limit, io_uring_cqe** first) {
    return io_uring_submit_and_wait_timeout(ring.native(), first, count, &limit, nullptr);
}

} // namespace

TEST_CASE_METHOD(ground, "a submission queue that is full has room again when it was submitted") {
    test_ring small(4, 16);
    for (int round = 0; round < 3; ++round) {
        for (int index = 0; index < 4; ++index) small.prepare(nop);
        CHECK(io_uring_get_sqe(small.native()) == nullptr);
        CHECK(small.submit() == 4);
        for (int index = 0; index < 4; ++index) CHECK(small.next().result == 0);
    }
    CHECK(small.submit() == 0);
}

TEST_CASE_METHOD(ground, "completions that find their queue full are kept, in order, and come when there is room") {
    test_ring small(2, 2);
    constexpr std::uint64_t count = 6;
    for (std::uint64_t index = 0; index < count; ++index) small.start(nop);
    io_uring_submit_and_get_events(small.native());
    CHECK(io_uring_cq_ready(small.native()) == 2);
    CHECK(io_uring_cq_has_overflow(small.native()));
    for (std::uint64_t index = 1; index <= count; ++index) CHECK(small.next().request == index);
    io_uring_submit_and_get_events(small.native());
    CHECK_FALSE(io_uring_cq_has_overflow(small.native()));
    CHECK(small.is_quiet());
}

TEST_CASE_METHOD(ground, "a wait ends with its time when nothing completes") {
    io_uring_cqe* first = nullptr;
    const auto began = tuyau::system::now();
    CHECK(wait(ring(), 1, {0, 20'000'000}, &first) == -ETIME);
    CHECK(tuyau::system::now() - began >= std::chrono::milliseconds(20));
    CHECK(first == nullptr);
}

TEST_CASE_METHOD(ground, "a wait that has submitted something says how much, also when its time ends") {
    const int event = own(tuyau::system::open_event());
    io_uring_cqe* first = nullptr;
    ring().prepare([&](io_uring_sqe* sqe) { io_uring_prep_poll_add(sqe, event, POLLIN); });
    CHECK(wait(ring(), 1, {0, 20'000'000}, &first) == 1);
    CHECK(first == nullptr);
    CHECK(wait(ring(), 1, {0, 20'000'000}, &first) == -ETIME);
}

TEST_CASE_METHOD(ground, "a wait returns at once with what has completed") {
    io_uring_cqe* first = nullptr;
    ring().prepare(nop);
    ring().prepare(nop);
    CHECK(wait(ring(), 1, {60, 0}, &first) == 2);
    REQUIRE(first != nullptr);
    CHECK(first->res == 0);
    CHECK(ring().next().result == 0);
    CHECK(ring().next().result == 0);
}

TEST_CASE_METHOD(ground, "a wait for several is content with one after its minimum") {
    if ((ring().native()->features & IORING_FEAT_MIN_TIMEOUT) == 0) SKIP("the kernel has no minimum for a wait");
    constexpr unsigned minimum = 20'000; // microseconds
    constexpr unsigned wanted = 3;
    __kernel_timespec limit{60, 0};
    io_uring_cqe* first = nullptr;
    const auto wait_so = [&](__kernel_timespec* longest) {
        const auto began = tuyau::system::now();
        const int result =
            io_uring_submit_and_wait_min_timeout(ring().native(), &first, wanted, longest, minimum, nullptr);
        return std::pair(result, tuyau::system::now() - began);
    };

    SECTION("it returns as soon as all are there") {
        for (unsigned index = 0; index < wanted; ++index) ring().prepare(nop);
        CHECK(wait_so(&limit).first == 3);
        CHECK(io_uring_cq_ready(ring().native()) == wanted);
    }
    SECTION("it returns with one that came before the minimum was over, and not earlier") {
        ring().prepare(nop);
        const auto [result, time] = wait_so(&limit);
        CHECK(result == 1);
        CHECK(time >= std::chrono::microseconds(minimum));
        REQUIRE(first != nullptr);
        CHECK(first->res == 0);
    }
    SECTION("it returns with the first that comes later") {
        __kernel_timespec span{0, 60'000'000};
        ring().prepare([&](io_uring_sqe* sqe) { io_uring_prep_timeout(sqe, &span, 0, 0); });
        const auto [result, time] = wait_so(&limit);
        CHECK(result == 1);
        CHECK(time >= std::chrono::milliseconds(60));
        CHECK(time < std::chrono::seconds(60));
        REQUIRE(first != nullptr);
        CHECK(first->res == -ETIME);
    }
    SECTION("it ends with its limit when nothing comes") {
        limit = {0, 50'000'000};
        const auto [result, time] = wait_so(&limit);
        CHECK(result == -ETIME);
        CHECK(time >= std::chrono::milliseconds(50));
    }
    SECTION("without a limit there is no minimum either") {
        __kernel_timespec span{0, 60'000'000};
        ring().prepare(nop);
        ring().prepare(nop);
        ring().prepare([&](io_uring_sqe* sqe) { io_uring_prep_timeout(sqe, &span, 0, 0); });
        const auto [result, time] = wait_so(nullptr);
        CHECK(result == 3);
        CHECK(time >= std::chrono::milliseconds(60));
        CHECK(io_uring_cq_ready(ring().native()) == wanted);
    }
    SECTION("a limit that is shorter than the minimum counts for nothing") {
        limit = {0, 5'000'000};
        const auto [result, time] = wait_so(&limit);
        CHECK(result == -ETIME);
        CHECK(time >= std::chrono::microseconds(minimum));
    }
}

TEST_CASE_METHOD(ground, "a timeout completes when its time has come") {
    __kernel_timespec span{0, 10'000'000};
    const auto began = tuyau::system::now();
    CHECK(ring().result_of([&](io_uring_sqe* sqe) { io_uring_prep_timeout(sqe, &span, 0, 0); }) == -ETIME);
    CHECK(tuyau::system::now() - began >= std::chrono::milliseconds(10));
}

TEST_CASE_METHOD(ground, "what reports failures only says nothing of a success") {
    const auto quiet = ring().start([](io_uring_sqe* sqe) {
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    });
    const auto loud = ring().start(nop);
    CHECK(ring().next(loud).result == 0);
    CHECK(ring().is_quiet(quiet));
}

TEST_CASE_METHOD(ground, "a request that is not known is refused by its completion") {
    CHECK(ring().result_of([](io_uring_sqe* sqe) {
        io_uring_prep_nop(sqe);
        sqe->opcode = 250;
    }) == -EINVAL);
}

TEST_CASE_METHOD(ground,
                 "a ring's queues have sizes that are powers of two, and no fewer completions than submissions") {
    const auto make = [](unsigned submissions, unsigned completions, unsigned flags, io_uring_params& parameters) {
        io_uring made{};
        parameters = {};
        parameters.flags = flags | (completions != 0 ? IORING_SETUP_CQSIZE : 0u);
        parameters.cq_entries = completions;
        const int error = io_uring_queue_init_params(submissions, &made, &parameters);
        if (error == 0) io_uring_queue_exit(&made);
        return error;
    };
    io_uring_params parameters{};
    CHECK(make(5, 0, 0, parameters) == 0);
    CHECK(parameters.sq_entries == 8);
    CHECK(parameters.cq_entries == 16);
    CHECK(make(4, 20, 0, parameters) == 0);
    CHECK(parameters.cq_entries == 32);
    CHECK(make(8, 4, 0, parameters) == -EINVAL);
    CHECK(make(0, 0, 0, parameters) == -EINVAL);
    CHECK(make(100'000, 0, 0, parameters) == -EINVAL);
    CHECK(make(4, 1'000'000, 0, parameters) == -EINVAL);
    CHECK(make(4, 0, IORING_SETUP_DEFER_TASKRUN, parameters) == -EINVAL);
}

TEST_CASE_METHOD(ground, "a message from one ring to another arrives there, and is told of here") {
    test_ring other;
    const auto sending =
        ring().start([&](io_uring_sqe* sqe) { io_uring_prep_msg_ring(sqe, other.descriptor(), 42, 777, 0); });
    const completion arrived = other.next(777);
    CHECK(arrived.result == 42);
    CHECK_FALSE(arrived.more);
    CHECK(ring().next(sending).result == 0);
    const auto quiet = ring().start([&](io_uring_sqe* sqe) {
        io_uring_prep_msg_ring(sqe, other.descriptor(), 1, 778, 0);
        io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    });
    CHECK(other.next(778).result == 1);
    CHECK(ring().is_quiet(quiet));
}

TEST_CASE_METHOD(ground, "a message to what is no ring fails") {
    const int event = own(tuyau::system::open_event());
    const auto send_to = [](int fd) { return [fd](io_uring_sqe* sqe) { io_uring_prep_msg_ring(sqe, fd, 0, 1, 0); }; };
    CHECK(ring().result_of(send_to(event)) == -EBADFD);
    CHECK(ring().result_of(send_to(-1)) == -EBADF);
}

} // namespace conformance
