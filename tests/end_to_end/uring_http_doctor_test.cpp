#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"
#include "support/process.hpp"

namespace {

const std::string uring_http = tests::program("uring-http");

constexpr int skipped = 77;

/// Runs uring-http in a process that `spoil` has spoilt first. Its standard output and standard error come together.
tests::child_outcome run_after(const std::function<void()>& spoil, const std::vector<std::string>& options) {
    return tests::in_child([&] {
        ::unsetenv("TUYAU_WITHOUT");
        spoil();
        if (::access(uring_http.c_str(), X_OK) != 0) return skipped;
        std::vector<std::string> command{uring_http};
        command.insert(command.end(), options.begin(), options.end());
        const auto ended = tests::run(command);
        std::fputs((ended.output + ended.errors).c_str(), stderr);
        return ended.code;
    });
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The line of the report about `name`; empty when there is none.
std::string line_about(const std::string& name, const std::string& report) {
    const auto at = ("\n" + report).find("\n" + name + " ");
    return at == std::string::npos ? std::string() : report.substr(at, report.find('\n', at) - at);
}

} // namespace

TEST_CASE("on a healthy machine the doctor finds everything in order, on a page, and ends with 0") {
    const auto report = run_after([] {}, {"--doctor"});
    INFO(report.errors);
    CHECK(report.exit_code == 0);
    CHECK(mentions(line_about("kernel", report.errors), "Linux"));
    CHECK(mentions(line_about("liburing", report.errors), "info"));
    CHECK(mentions(line_about("io_uring", report.errors), " on "));
    for (const char* feature :
         {"registered-ring", "buffer-ring", "multishot-receive", "multishot-accept", "message-ring"})
        CHECK_FALSE(line_about(feature, report.errors).empty());
    CHECK_FALSE(mentions(report.errors, "FAULT"));
    CHECK(report.errors.ends_with("Programs can run here.\n"));
    CHECK(std::count(report.errors.begin(), report.errors.end(), '\n') < 40);
}

TEST_CASE("the doctor shows as off what TUYAU_WITHOUT switches off, and nothing else") {
    const auto report = run_after([] { ::setenv("TUYAU_WITHOUT", "multishot-receive,buffer-ring", 1); }, {"--doctor"});
    CHECK(report.exit_code == 0);
    for (const char* feature : {"multishot-receive", "buffer-ring"})
        CHECK(mentions(line_about(feature, report.errors), "off      switched off by TUYAU_WITHOUT"));
    CHECK_FALSE(mentions(line_about("registered-ring", report.errors), "off"));
}

TEST_CASE("an unknown name in TUYAU_WITHOUT is a fault, for the doctor and for who serves") {
    const auto spoil = [] { ::setenv("TUYAU_WITHOUT", "no-such-thing", 1); };
    const auto report = run_after(spoil, {"--doctor"});
    CHECK(report.exit_code == 1);
    CHECK(mentions(line_about("TUYAU_WITHOUT", report.errors), "'no-such-thing'"));
    CHECK(mentions(report.errors, "multishot-accept"));
    const auto served = run_after(spoil, {"--listen", "127.0.0.1:0"});
    CHECK(served.exit_code == 1);
    CHECK(served.errors.starts_with("error: TUYAU_WITHOUT names 'no-such-thing'"));
}

TEST_CASE("without leave to use io_uring the doctor names the seccomp filter, and who serves the same words") {
    const auto spoil = [] { tests::forbid(__NR_io_uring_setup, EPERM); };
    const auto report = run_after(spoil, {"--doctor"});
    CHECK(report.exit_code == 1);
    CHECK(mentions(line_about("io_uring", report.errors), "FAULT    io_uring is not permitted here"));
    CHECK(mentions(line_about("seccomp", report.errors), "a filter is active"));
    CHECK(mentions(report.errors, "--security-opt seccomp="));
    const auto served = run_after(spoil, {"--listen", "127.0.0.1:0"});
    CHECK(served.exit_code == 1);
    CHECK(served.errors.starts_with("error: io_uring is not permitted here"));
    CHECK(mentions(served.errors, "--security-opt seccomp="));
    CHECK(std::count(served.errors.begin(), served.errors.end(), '\n') == 1);
}

TEST_CASE("on a kernel without io_uring the doctor says which one is needed") {
    const auto report = run_after([] { tests::forbid(__NR_io_uring_setup, ENOSYS); }, {"--doctor"});
    CHECK(report.exit_code == 1);
    CHECK(mentions(line_about("io_uring", report.errors), "FAULT    this kernel has no io_uring"));
    CHECK(mentions(report.errors, "remedy: Linux 6.1 or newer"));
}

TEST_CASE("with too few descriptors the doctor says how to have more") {
    const auto report = run_after([] {}, {"--doctor"});
    REQUIRE(report.exit_code == 0);
    const auto few = tests::run({"sh", "-c", "ulimit -n 8; exec \"$0\" --doctor", uring_http});
    INFO(few.errors << few.output);
    CHECK(few.code == 1);
    CHECK(mentions(line_about("RLIMIT_NOFILE", few.output), "FAULT    soft 8, hard 8"));
    CHECK(mentions(few.output, "ulimit -n"));
}

TEST_CASE("without locked memory the doctor says how to have more, and who serves the same words") {
    const auto spoil = [] {
        const rlimit limit{0, 0};
        ::setrlimit(RLIMIT_MEMLOCK, &limit);
        if (::setresuid(54321, 54321, 54321) != 0) ::_exit(skipped); // drops CAP_IPC_LOCK
    };
    const auto report = run_after(spoil, {"--doctor"});
    if (report.exit_code == skipped) SKIP("this user cannot become another, or the other may not run the program");
    if (report.exit_code == 0) SKIP("this kernel does not count a ring as locked memory");
    CHECK(report.exit_code == 1);
    CHECK(mentions(line_about("io_uring", report.errors), "FAULT    not enough locked memory"));
    CHECK(mentions(line_about("RLIMIT_MEMLOCK", report.errors), "hard 0 KiB"));
    CHECK(mentions(report.errors, "LimitMEMLOCK="));
    const auto served = run_after(spoil, {"--listen", "127.0.0.1:0"});
    CHECK(served.exit_code == 1);
    CHECK(mentions(served.errors, "ulimit -l"));
}
