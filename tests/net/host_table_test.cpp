#include <tuyau/net/host_table.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/resolve.hpp>

using tuyau::address_family;
using tuyau::endpoint;
using tuyau::host_table;
using tuyau::loop;
using tuyau::resolve;

namespace {

std::string found(const host_table& table, std::string_view host, std::uint16_t port) {
    std::string all;
    for (const endpoint& each : table.find(host, port)) all += each.to_string() + " ";
    return all;
}

} // namespace

TEST_CASE("an entry is for a host and a port, in any case, with or without brackets") {
    host_table table;
    REQUIRE(table.add("Example.org:443:127.0.0.1"));
    REQUIRE(table.add("example.org:80:127.0.0.2,::1,[::2]"));
    REQUIRE(table.add("[2001:db8::1]:80:127.0.0.3"));
    CHECK(found(table, "example.ORG", 443) == "127.0.0.1:443 ");
    CHECK(found(table, "example.org", 80) == "127.0.0.2:80 [::1]:80 [::2]:80 ");
    CHECK(found(table, "2001:db8::1", 80) == "127.0.0.3:80 ");
    CHECK(found(table, "[2001:DB8::1]", 80) == "127.0.0.3:80 ");
    CHECK(found(table, "example.org", 81).empty());
    CHECK(found(table, "www.example.org", 80).empty());
    CHECK(found(table, "", 80).empty());
}

TEST_CASE("a later entry replaces an earlier one, and a star stands for hosts without one") {
    host_table table;
    REQUIRE(table.add("a.example:80:127.0.0.1"));
    REQUIRE(table.add("*:80:127.0.0.9"));
    REQUIRE(table.add("A.example:80:127.0.0.2"));
    CHECK(found(table, "a.example", 80) == "127.0.0.2:80 ");
    CHECK(found(table, "b.example", 80) == "127.0.0.9:80 ");
    CHECK(found(table, "b.example", 81).empty());
}

TEST_CASE("what is no entry is refused, and changes nothing") {
    host_table table;
    for (const char* text :
         {"", ":", "::", "host", "host:80", "host:80:", ":80:127.0.0.1", "host::127.0.0.1", "host:0:127.0.0.1",
          "host:65536:127.0.0.1", "host:-1:127.0.0.1", "host:80:name", "host:80:127.0.0.1,", "host:80:,127.0.0.1",
          "host:80:127.0.0.1:80", "[::1:80:127.0.0.1", "host: 80:127.0.0.1"}) {
        INFO(text);
        CHECK(table.add(text).error() == std::errc::invalid_argument);
    }
    CHECK(found(table, "host", 80).empty());
}

TEST_CASE("what the table says is not looked up, and still is of the family that was asked for") {
    host_table table;
    REQUIRE(table.add("no-such-name.invalid:80:127.0.0.1,::1"));
    loop here;
    CHECK(here.run(resolve("no-such-name.invalid", 80, {.overrides = &table})).value() ==
          std::vector{endpoint("127.0.0.1", 80), endpoint("::1", 80)});
    CHECK(
        here.run(resolve("no-such-name.invalid", 80, {.family = address_family::ipv6, .overrides = &table})).value() ==
        std::vector{endpoint("::1", 80)});
    REQUIRE(table.add("only-four.invalid:80:127.0.0.1"));
    const auto none = here.run(resolve("only-four.invalid", 80, {.family = address_family::ipv6, .overrides = &table}));
    REQUIRE_FALSE(none);
    CHECK(none.error().category() == tuyau::resolve_category());
}

TEST_CASE("a name is looked up in the family that was asked for") {
    loop here;
    for (const endpoint& each : here.run(resolve("localhost", 80, {.family = address_family::ipv4})).value())
        CHECK_FALSE(each.is_ipv6());
    const auto six = here.run(resolve("localhost", 80, {.family = address_family::ipv6}));
    if (six) {
        for (const endpoint& each : *six) CHECK(each.is_ipv6());
    }
    CHECK(here.run(resolve("::1", 80, {.family = address_family::ipv4})).error().category() ==
          tuyau::resolve_category());
    CHECK(here.run(resolve("::1", 80, {.family = address_family::ipv6})).value() == std::vector{endpoint("::1", 80)});
}
