#include <tuyau/net/resolve.hpp>

#include <netdb.h>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/runtime/scope.hpp>

using tuyau::endpoint;
using tuyau::loop;
using tuyau::resolve;
using tuyau::task;

TEST_CASE("a numeric address is answered at once, with and without brackets") {
    loop here;
    CHECK(here.run(resolve("127.0.0.1", 80)).value() == std::vector{endpoint("127.0.0.1", 80)});
    CHECK(here.run(resolve("::1", 80)).value() == std::vector{endpoint("::1", 80)});
    CHECK(here.run(resolve("[::1]", 80)).value() == std::vector{endpoint("::1", 80)});
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("localhost is this machine, with the port that was asked for") {
    loop here;
    auto found = here.run(resolve("localhost", 8080));
    REQUIRE(found);
    REQUIRE_FALSE(found->empty());
    for (const endpoint& each : *found) {
        CHECK((each.address() == "127.0.0.1" || each.address() == "::1"));
        CHECK(each.port() == 8080);
    }
}

TEST_CASE("a name that nobody has is an error with the resolver's words") {
    loop here;
    for (const char* name : {"no-such-name.invalid", "", "under score and spaces"}) {
        auto found = here.run(resolve(name, 80));
        REQUIRE_FALSE(found);
        INFO(found.error().message());
        CHECK(found.error().category() == tuyau::resolve_category());
        CHECK_FALSE(found.error().message().empty());
    }
    CHECK(std::string(tuyau::resolve_category().name()) == "resolve");
    CHECK(tuyau::resolve_category().message(EAI_NONAME) == ::gai_strerror(EAI_NONAME));
}

TEST_CASE("looking a name up ends with a stop") {
    loop here;
    here.run([]() -> task<> {
        tuyau::scope lookups;
        bool ended = false;
        lookups.spawn([](bool& flag) -> task<> {
            auto found = co_await resolve("localhost", 80);
            flag = found || tuyau::is_cancelled(found.error()); // the answer may have won the race
        }(ended));
        lookups.stop();
        co_await lookups.join();
        CHECK(ended);
    }());
}
