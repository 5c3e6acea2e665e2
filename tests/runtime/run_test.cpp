#include <tuyau/runtime/run.hpp>

#include <cerrno>
#include <stdexcept>
#include <sys/resource.h>
#include <system_error>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/timer.hpp>

using tuyau::task;

TEST_CASE("run gives a program's exit status: the task's value, or 0") {
    CHECK(tuyau::run([]() -> task<int> {
              co_await tests::nop();
              co_return 42;
          }()) == 42);
    bool ran = false;
    CHECK(tuyau::run([](bool& flag) -> task<> {
              co_await tests::nop();
              flag = true;
          }(ran)) == 0);
    CHECK(ran);
}

TEST_CASE("an exception that leaves the program is one line on standard error, and status 1") {
    const auto thrown = tests::in_child([] {
        return tuyau::run([]() -> task<> {
            co_await tests::nop();
            throw std::runtime_error("the disk is full");
        }());
    });
    CHECK(thrown.exit_code == 1);
    CHECK(thrown.errors == "error: the disk is full\n");

    const auto coded = tests::in_child([] {
        return tuyau::run([]() -> task<int> {
            co_await tests::nop();
            throw std::system_error(EACCES, std::system_category(), "cannot open it");
        }());
    });
    CHECK(coded.exit_code == 1);
    CHECK(coded.errors == "error: cannot open it: Permission denied\n");

    const auto unknown = tests::in_child([] {
        return tuyau::run([]() -> task<> {
            co_await tests::nop();
            throw 7;
        }());
    });
    CHECK(unknown.exit_code == 1);
    CHECK(unknown.errors == "error: an exception of an unknown kind ended the program\n");
}

TEST_CASE("run raises the limit on descriptors as far as it may") {
    const auto raised = tests::in_child([] {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 64;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        return tuyau::run([]() -> task<int> {
            rlimit now{};
            ::getrlimit(RLIMIT_NOFILE, &now);
            co_return now.rlim_cur == now.rlim_max&& now.rlim_cur > 64 ? 10 : 11;
        }());
    });
    CHECK(raised.exit_code == 10);
}
