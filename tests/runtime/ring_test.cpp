#include <tuyau/runtime/ring.hpp>

#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/run.hpp>

using tuyau::completion_target;
using tuyau::feature;
using tuyau::feature_set;
using tuyau::ring;
using tuyau::ring_options;

namespace {

struct counter final : completion_target {
    void complete(int result, unsigned flags) noexcept override {
        ++completions;
        last_result = result;
        last_flags = flags;
    }
    int completions = 0;
    int last_result = 0;
    unsigned last_flags = 0;
};

/// What a ring's set-up says when `call` fails with `error`.
tests::child_outcome set_up_without(long call, int error) {
    return tests::in_child([&] {
        tests::forbid(call, error);
        try {
            tuyau::loop here;
        } catch (const tuyau::ring_error& failed) {
            std::fputs(failed.what(), stderr);
            return failed.code() == std::error_code(error, std::system_category()) ? 1 : 2;
        }
        return 0;
    });
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a request completes once, with its result") {
    ring here;
    counter target;
    io_uring_prep_nop(&here.prepare(target));
    CHECK(here.prepared() == 1);
    CHECK(here.in_flight() == 1);
    CHECK(target.completions == 0);
    here.wait(std::nullopt);
    CHECK(target.completions == 1);
    CHECK(target.last_result == 0);
    CHECK(here.in_flight() == 0);
    CHECK(here.prepared() == 0);
}

TEST_CASE("a thousand requests prepared in one go through a queue of eight all complete") {
    ring here({.submission_entries = 8});
    std::vector<counter> targets(1000);
    for (counter& each : targets) io_uring_prep_nop(&here.prepare(each));
    while (here.in_flight() != 0) here.wait(std::nullopt);
    for (const counter& each : targets) REQUIRE(each.completions == 1);
}

TEST_CASE("a target may prepare requests while completions are read, also when the queue is full") {
    struct chain final : completion_target {
        chain(ring& given, int rest) : owner(given), left(rest) {}
        void complete(int, unsigned) noexcept override {
            ++completions;
            for (int count = 0; count < 3 && left > 0; ++count) {
                --left;
                io_uring_prep_nop(&owner.prepare(*this));
            }
        }
        ring& owner;
        int left;
        int completions = 0;
    };
    ring here({.submission_entries = 2, .completion_entries = 4});
    chain target(here, 1000);
    io_uring_prep_nop(&here.prepare(target));
    while (here.in_flight() != 0) here.wait(std::nullopt);
    CHECK(target.completions == 1001);
}

TEST_CASE("a flood over a tiny completion queue is absorbed: it overflows, and nothing is lost") {
    ring small({.submission_entries = 8, .completion_entries = 8});
    std::vector<tests::descriptor_pair> pipes;
    std::vector<counter> readers(100);
    for (std::size_t index = 0; index < readers.size(); ++index) {
        pipes.push_back(tests::descriptor_pair::pipe());
        io_uring_prep_poll_multishot(&small.prepare(readers[index]), pipes[index].first(), POLLIN);
    }
    small.poll();
    for (const auto& each : pipes) tests::write_now(each.second(), "x");
    const auto all_told = [&] {
        for (const counter& each : readers)
            if (each.completions == 0) return false;
        return true;
    };
    while (!all_told()) small.wait(std::nullopt);
    CHECK(small.counts().overflows > 0);
    small.cancel_all();
    while (small.in_flight() != 0) small.wait(std::nullopt);
}

TEST_CASE("a cancelled request completes once, and a cancel that comes too late changes nothing") {
    ring here;
    auto pipe = tests::descriptor_pair::pipe();
    counter waiting;
    io_uring_prep_poll_add(&here.prepare(waiting), pipe.first(), POLLIN);
    here.poll();
    CHECK(waiting.completions == 0);
    here.cancel(waiting);
    while (here.in_flight() != 0) here.wait(std::nullopt);
    CHECK(waiting.completions == 1);
    CHECK(waiting.last_result == -ECANCELED);
    here.cancel(waiting);
    counter after;
    io_uring_prep_nop(&here.prepare(after));
    while (here.in_flight() != 0) here.wait(std::nullopt);
    CHECK(waiting.completions == 1);
    CHECK(after.completions == 1);
    CHECK(after.last_result == 0);
}

TEST_CASE("a cancel is not lost when the submission queue is full") {
    ring here({.submission_entries = 2});
    auto pipe = tests::descriptor_pair::pipe();
    std::vector<counter> waiting(64);
    for (counter& each : waiting) io_uring_prep_poll_add(&here.prepare(each), pipe.first(), POLLIN);
    for (counter& each : waiting) here.cancel(each);
    while (here.in_flight() != 0) here.wait(std::nullopt);
    for (const counter& each : waiting) REQUIRE(each.last_result == -ECANCELED);
}

TEST_CASE("waiting with a limit comes back when nothing completes") {
    ring here;
    const auto before = std::chrono::steady_clock::now();
    here.wait(std::chrono::milliseconds(5));
    CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(5));
    here.wait(std::chrono::nanoseconds(0));
}

TEST_CASE("every way to set a ring up works, without any one feature and without all, and each has its flags") {
    for (const feature_set without : tests::every_way()) {
        ring here({.without = without});
        CHECK((here.features() - without) == here.features());
        const unsigned flags = here.native()->flags;
        CHECK(((flags & IORING_SETUP_DEFER_TASKRUN) != 0) == here.uses(feature::defer_taskrun));
        CHECK(((flags & IORING_SETUP_SINGLE_ISSUER) != 0) == here.uses(feature::defer_taskrun));
        CHECK(((flags & IORING_SETUP_COOP_TASKRUN) != 0) == here.uses(feature::cooperative_taskrun));
        // A registered ring is called by its index, and that of a thread's first one is smaller than any descriptor here.
        CHECK((here.native()->enter_ring_fd != here.native()->ring_fd) == here.uses(feature::registered_ring));
        auto pipe = tests::descriptor_pair::pipe();
        counter waiting;
        io_uring_prep_poll_add(&here.prepare(waiting), pipe.first(), POLLIN);
        here.poll();
        CHECK(waiting.completions == 0);
        tests::write_now(pipe.second(), "x");
        while (here.in_flight() != 0) here.wait(std::nullopt);
        CHECK(waiting.last_result == POLLIN);
    }
}

TEST_CASE("a seccomp profile that forbids io_uring is named, with the remedy") {
    const auto refused = set_up_without(__NR_io_uring_setup, EPERM);
    CHECK(refused.exit_code == 1);
    CHECK(mentions(refused.errors, "seccomp"));
    CHECK(mentions(refused.errors, "io_uring_setup, io_uring_enter and io_uring_register"));
    CHECK(mentions(refused.errors, "--security-opt"));
}

TEST_CASE("a profile that forbids only io_uring_register is named the same way, not taken for an old kernel") {
    const auto refused = set_up_without(__NR_io_uring_register, EPERM);
    CHECK(refused.exit_code == 1);
    CHECK(mentions(refused.errors, "seccomp"));
}

TEST_CASE("a kernel without io_uring is named, with the one that is needed") {
    const auto refused = set_up_without(__NR_io_uring_setup, ENOSYS);
    CHECK(refused.exit_code == 1);
    CHECK(mentions(refused.errors, "this kernel has no io_uring"));
    CHECK(mentions(refused.errors, "6.1"));
}

TEST_CASE("a kernel that takes none of our flags is called too old") {
    const auto refused = set_up_without(__NR_io_uring_setup, EINVAL);
    CHECK(refused.exit_code == 1);
    CHECK(mentions(refused.errors, "too old"));
}

TEST_CASE("a program on a machine without io_uring says so in one line and fails") {
    const auto refused = tests::in_child([] {
        tests::forbid(__NR_io_uring_setup, ENOSYS);
        return tuyau::run([]() -> tuyau::task<> { co_return; }());
    });
    CHECK(refused.exit_code == 1);
    CHECK(refused.errors.starts_with("error: this kernel has no io_uring"));
    CHECK(refused.errors.find('\n') == refused.errors.size() - 1);
}

TEST_CASE("a process without a descriptor left is told so") {
    const auto refused = tests::in_child([] {
        // Sanitizers look at a class once, and need a descriptor for it.
        (void)std::string(tuyau::ring_error(EMFILE, std::system_category(), "").what());
        const rlimit none{3, 3};
        ::setrlimit(RLIMIT_NOFILE, &none);
        try {
            tuyau::loop here;
        } catch (const tuyau::ring_error& failed) {
            std::fputs(failed.what(), stderr);
            return 1;
        }
        return 0;
    });
    INFO(refused.errors);
    CHECK(refused.exit_code == 1);
    CHECK(mentions(refused.errors, "ulimit -n"));
}

TEST_CASE("without locked memory set-up says which limit to raise, and with little it makes do with smaller queues") {
    const auto with_limit = [](rlim_t bytes) {
        return tests::in_child([bytes] {
            const rlimit limit{bytes, bytes};
            ::setrlimit(RLIMIT_MEMLOCK, &limit);
            if (::setresuid(54321, 54321, 54321) != 0) return 77; // drops CAP_IPC_LOCK; counted for this user alone
            try {
                tuyau::loop here;
                return here.run([]() -> tuyau::task<int> {
                    auto done = co_await tests::nop();
                    co_return done ? 0 : 3;
                }());
            } catch (const tuyau::ring_error& failed) {
                std::fputs(failed.what(), stderr);
                return failed.code() == std::errc::not_enough_memory ? 1 : 2;
            }
        });
    };
    const auto none = with_limit(0);
    if (none.exit_code == 77) SKIP("this user cannot become another");
    if (none.exit_code == 0) SKIP("this kernel does not count a ring as locked memory");
    CHECK(none.exit_code == 1);
    CHECK(mentions(none.errors, "ulimit -l"));
    CHECK(mentions(none.errors, "LimitMEMLOCK="));
    const auto little = with_limit(160 * 1024); // the queues that are asked for take more, half of them much less
    INFO(little.errors);
    CHECK(little.exit_code == 0);
    CHECK(little.errors.empty());
}
