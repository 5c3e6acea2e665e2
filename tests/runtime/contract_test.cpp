#include <tuyau/runtime/contract.hpp>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/channel.hpp>

using tests::broken_contract_of;
using tuyau::loop;
using tuyau::task;

TEST_CASE("a kept contract costs nothing, a broken one ends the program with its sentence") {
    tuyau::require(true, "never said");
    CHECK(broken_contract_of([] { tuyau::require(false, "the sky is blue"); }) == "the sky is blue");
    CHECK(broken_contract_of([] { tuyau::broken_contract("as it is"); }) == "as it is");
}

TEST_CASE("what needs a loop says so where there is none") {
    CHECK(broken_contract_of([] { loop::current(); }).find("no loop runs on this thread") == 0);
}

TEST_CASE("running a loop from inside itself is refused") {
    const auto nested = [] {
        loop here;
        here.run([](loop& outer) -> task<> {
            outer.run([]() -> task<> { co_return; }());
            co_return;
        }(here));
    };
    CHECK(broken_contract_of(nested).find("from inside the loop") != std::string::npos);
}

TEST_CASE("spawning a task that was moved from is refused") {
    const auto spawn_nothing = [] {
        loop here;
        tuyau::scope children;
        children.spawn(task<>());
    };
    CHECK(broken_contract_of(spawn_nothing) == "an empty task was spawned (was it moved from?)");
}

TEST_CASE("joining a scope twice at the same time is refused") {
    const auto join_twice = [] {
        loop here;
        here.run([]() -> task<> {
            tuyau::scope children;
            tuyau::scope joiners;
            const auto forever = []() -> task<> { co_await tuyau::sleep_for(std::chrono::hours(1)); };
            const auto join = [](tuyau::scope& which) -> task<> { co_await which.join(); };
            children.spawn(forever());
            joiners.spawn(join(children));
            joiners.spawn(join(children));
            co_return;
        }());
    };
    CHECK(broken_contract_of(join_twice) == "a scope was joined twice at the same time");
}

TEST_CASE("a channel without room is refused") {
    CHECK(broken_contract_of([] { tuyau::channel<int> none(0); }) == "a channel needs room for at least one item");
}

TEST_CASE("a ring is not destroyed with requests in flight") {
    struct nobody final : tuyau::completion_target {
        void complete(int, unsigned) noexcept override {}
    };
    const auto destroy = [] {
        nobody target;
        tuyau::ring owner;
        io_uring_prep_nop(&owner.prepare(target));
    };
    CHECK(broken_contract_of(destroy) == "a ring was destroyed with requests in flight");
}
