#include <tuyau/runtime/doctor.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/features.hpp>
#include <tuyau/runtime/ring_trouble.hpp>

using tuyau::diagnosis;
using tuyau::finding;
using condition = tuyau::finding::condition;

namespace {

const finding* find(const diagnosis& all, std::string_view name) {
    const auto found = std::find_if(all.findings.begin(), all.findings.end(),
                                    [name](const finding& each) { return each.name == name; });
    return found == all.findings.end() ? nullptr : &*found;
}

/// What the doctor finds in a process that `spoil` has spoilt first; its exit code is 0 if programs can run.
template <class Spoil>
tests::child_outcome diagnosed_after(Spoil spoil) {
    return tests::in_child([&] {
        ::unsetenv(tuyau::features_variable);
        spoil();
        const diagnosis found = tuyau::diagnose();
        std::fputs(tuyau::to_text(found).c_str(), stderr);
        return found.can_run() ? 0 : 1;
    });
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("findings are printed in columns, a remedy below what it mends, and a verdict last") {
    const diagnosis found{{{"short", condition::on, "works", ""},
                           {"a longer name", condition::fault, "broken", "mend it"},
                           {"x", condition::missing, "old kernel", ""},
                           {"y", condition::off, "not wanted", ""},
                           {"z", condition::info, "7", ""}}};
    CHECK_FALSE(found.can_run());
    CHECK(tuyau::to_text(found) == "short          on       works\n"
                                   "a longer name  FAULT    broken\n"
                                   "                        remedy: mend it\n"
                                   "x              missing  old kernel\n"
                                   "y              off      not wanted\n"
                                   "z              info     7\n"
                                   "Programs cannot run here: mend what is marked FAULT.\n");
}

TEST_CASE("what is off, missing or only good to know keeps no program from running") {
    const diagnosis found{
        {{"a", condition::off, "", ""}, {"b", condition::missing, "", ""}, {"c", condition::info, "", ""}}};
    CHECK(found.can_run());
    CHECK(tuyau::to_text(found).ends_with("Programs can run here.\n"));
    CHECK(diagnosis().can_run());
}

TEST_CASE("the doctor tells of each feature what a loop of this process uses") {
    const diagnosis found = tuyau::diagnose();
    CHECK(found.can_run());
    REQUIRE(find(found, "io_uring") != nullptr);
    CHECK(find(found, "io_uring")->state == condition::on);
    for (const tuyau::feature_facts& each : tuyau::all_features) {
        const finding* about = find(found, each.name);
        REQUIRE(about != nullptr);
        CHECK((about->state == condition::on) == tests::in_use(each.which));
    }
    for (const char* name :
         {"kernel", "liburing", "kernel.io_uring_disabled", "seccomp", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK"}) {
        REQUIRE(find(found, name) != nullptr);
        CHECK_FALSE(find(found, name)->why.empty());
    }
}

TEST_CASE("the doctor may be asked on a thread that has a loop, whose requests go on") {
    tuyau::loop here;
    here.run([]() -> tuyau::task<> {
        CHECK(tuyau::diagnose().can_run());
        auto done = co_await tests::nop();
        CHECK(done);
    }());
}

TEST_CASE("a feature that is switched off and one that the kernel refuses are told apart") {
    const auto off = diagnosed_after([] { ::setenv(tuyau::features_variable, "buffer-ring", 1); });
    CHECK(off.exit_code == 0);
    CHECK(mentions(off.errors, "switched off by TUYAU_WITHOUT"));
    CHECK_FALSE(mentions(off.errors, "missing"));
    const auto missing =
        diagnosed_after([] { tests::forbid(__NR_io_uring_register, EINVAL, IORING_REGISTER_RING_FDS); });
    CHECK(missing.exit_code == 0);
    CHECK(mentions(missing.errors, "missing  this kernel lacks it"));
    CHECK(mentions(missing.errors, "remedy: Linux 5.18"));
    CHECK(mentions(missing.errors, "a filter is active"));
}

TEST_CASE("the doctor names what forbids io_uring, with the same words as a ring that cannot be set up") {
    for (const int error : {ENOSYS, EINVAL}) {
        const auto outcome = diagnosed_after([error] { tests::forbid(__NR_io_uring_setup, error); });
        CHECK(outcome.exit_code == 1);
        CHECK(mentions(outcome.errors, "FAULT"));
        CHECK(mentions(outcome.errors, tuyau::explain(error).cause));
        CHECK(mentions(outcome.errors, "remedy: " + tuyau::explain(error).remedy));
    }
    // Its cause is told by whether a filter is active, as it is there and need not be here.
    const auto filtered = diagnosed_after([] { tests::forbid(__NR_io_uring_setup, EPERM); });
    CHECK(filtered.exit_code == 1);
    CHECK(mentions(filtered.errors, "most likely by a container's seccomp profile"));
    CHECK(mentions(filtered.errors, "remedy: run the container with a profile"));
}

TEST_CASE("the doctor names a limit that is too low, with how to raise it") {
    const auto few = diagnosed_after([] {
        const rlimit limit{8, 8};
        ::setrlimit(RLIMIT_NOFILE, &limit);
    });
    CHECK(few.exit_code == 1);
    CHECK(mentions(few.errors, "ulimit -n"));
    const auto none = diagnosed_after([] {
        const rlimit limit{0, 0};
        ::setrlimit(RLIMIT_MEMLOCK, &limit);
        if (::setresuid(54321, 54321, 54321) != 0) ::_exit(77); // drops CAP_IPC_LOCK
    });
    if (none.exit_code == 77) SKIP("this user cannot become another");
    if (none.exit_code == 0) SKIP("this kernel does not count a ring as locked memory");
    CHECK(none.exit_code == 1);
    CHECK(mentions(none.errors, "soft 0 KiB"));
    CHECK(mentions(none.errors, "LimitMEMLOCK="));
}

TEST_CASE("every error of a ring's set-up that has a cause of its own has a remedy of its own") {
    for (const int error : {EPERM, EACCES, ENOSYS, ENOMEM, EMFILE, ENFILE, EINVAL}) {
        CHECK_FALSE(tuyau::explain(error).cause.empty());
        CHECK_FALSE(tuyau::explain(error).remedy.empty());
        CHECK(tuyau::explain(error).text() == tuyau::explain(error).cause + "; " + tuyau::explain(error).remedy);
    }
    CHECK(tuyau::explain(EIO).text() == "io_uring could not be set up");
}
