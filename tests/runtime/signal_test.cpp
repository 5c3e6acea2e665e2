#include <tuyau/runtime/signal.hpp>

#include <csignal>
#include <optional>
#include <sys/resource.h>
#include <system_error>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/scope.hpp>

using tuyau::loop;
using tuyau::result;
using tuyau::signal_set;
using tuyau::task;

TEST_CASE("a signal that the process raises is received in place of its default action") {
    loop here;
    here.run([]() -> task<> {
        signal_set ends{SIGTERM, SIGUSR1};
        std::raise(SIGUSR1);
        auto first = co_await ends.next();
        CHECK(first.value() == SIGUSR1);
        std::optional<result<int>> second;
        tuyau::scope waiting;
        waiting.spawn(
            [](signal_set& set, std::optional<result<int>>& to) -> task<> { to = co_await set.next(); }(ends, second));
        co_await tests::nop();
        CHECK_FALSE(second);
        std::raise(SIGTERM);
        co_await waiting.join();
        REQUIRE(second);
        CHECK(second->value() == SIGTERM);
    }());
}

TEST_CASE("waiting for a signal ends with a stop, and the signal that comes later is not lost") {
    loop here;
    here.run([]() -> task<> {
        signal_set ends{SIGUSR2};
        std::optional<result<int>> outcome;
        tuyau::scope waiting;
        waiting.spawn(
            [](signal_set& set, std::optional<result<int>>& to) -> task<> { to = co_await set.next(); }(ends, outcome));
        co_await tests::nop();
        waiting.stop();
        co_await waiting.join();
        CHECK(tuyau::is_cancelled(outcome->error()));
        std::raise(SIGUSR2);
        auto later = co_await ends.next();
        CHECK(later.value() == SIGUSR2);
    }());
}

TEST_CASE("a signal set that ends gives back the descriptor and the thread's mask") {
    const std::size_t before = tests::open_descriptors();
    sigset_t mask;
    {
        signal_set ends{SIGUSR1};
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        CHECK(sigismember(&mask, SIGUSR1) == 1);
        CHECK(tests::open_descriptors() == before + 1);
    }
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGUSR1) == 0);
    CHECK(tests::open_descriptors() == before);
}

TEST_CASE("a signal set without a descriptor left throws and changes no mask") {
    const auto outcome = tests::in_child([] {
        const rlimit none{3, 3};
        ::setrlimit(RLIMIT_NOFILE, &none);
        try {
            signal_set ends{SIGUSR1};
        } catch (const std::system_error& error) {
            sigset_t mask;
            pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            return error.code() == std::errc::too_many_files_open && sigismember(&mask, SIGUSR1) == 0 ? 1 : 2;
        }
        return 0;
    });
    CHECK(outcome.exit_code == 1);
}
