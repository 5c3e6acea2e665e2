#include <tuyau/net/endpoint.hpp>

#include <arpa/inet.h>
#include <cstring>
#include <net/if.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/un.h>

#include <catch2/catch_test_macros.hpp>

using tuyau::endpoint;

TEST_CASE("an address and a port are parsed and printed, in the shortest form that there is") {
    struct row {
        const char* text;
        const char* address;
        std::uint16_t port;
        bool ipv6;
        const char* printed;
    };
    for (const row& each : {
             row{"127.0.0.1:8080", "127.0.0.1", 8080, false, "127.0.0.1:8080"},
             row{"0.0.0.0:0", "0.0.0.0", 0, false, "0.0.0.0:0"},
             row{"255.255.255.255:65535", "255.255.255.255", 65535, false, "255.255.255.255:65535"},
             row{"10.0.0.1:080", "10.0.0.1", 80, false, "10.0.0.1:80"},
             row{"[::1]:8080", "::1", 8080, true, "[::1]:8080"},
             row{"[::]:1", "::", 1, true, "[::]:1"},
             row{"[2001:DB8:0:0:0:0:0:1]:443", "2001:db8::1", 443, true, "[2001:db8::1]:443"},
             row{"[::ffff:192.0.2.1]:9", "::ffff:192.0.2.1", 9, true, "[::ffff:192.0.2.1]:9"},
             row{"[1:2:3:4:5:6:7:8]:7", "1:2:3:4:5:6:7:8", 7, true, "[1:2:3:4:5:6:7:8]:7"},
         }) {
        INFO(each.text);
        auto parsed = endpoint::parse(each.text);
        REQUIRE(parsed);
        CHECK(parsed->address() == each.address);
        CHECK(parsed->port() == each.port);
        CHECK(parsed->is_ipv6() == each.ipv6);
        CHECK(parsed->family() == (each.ipv6 ? AF_INET6 : AF_INET));
        CHECK(parsed->to_string() == each.printed);
        CHECK(endpoint::parse(parsed->to_string()).value() == *parsed);
    }
}

TEST_CASE("what is not an address and a port is refused") {
    for (std::string_view text : std::initializer_list<std::string_view>{"",
                                                                         ":",
                                                                         ":80",
                                                                         "127.0.0.1",
                                                                         "127.0.0.1:",
                                                                         "127.0.0.1:65536",
                                                                         "127.0.0.1:-1",
                                                                         "127.0.0.1:+1",
                                                                         "127.0.0.1: 1",
                                                                         "127.0.0.1:1 ",
                                                                         "127.0.0.1:0x50",
                                                                         "127.0.0.1:99999999999999999999",
                                                                         "127.0.0:80",
                                                                         "127.0.0.256:80",
                                                                         "1.2.3.4.5:80",
                                                                         "localhost:80",
                                                                         "example.org:80",
                                                                         "::1:80",
                                                                         "[::1]",
                                                                         "[::1]80",
                                                                         "[::1:80",
                                                                         "::1]:80",
                                                                         "[]:80",
                                                                         "[127.0.0.1]:80",
                                                                         "[[::1]]:80",
                                                                         "[::1%]:80",
                                                                         "[::1%no-such-interface]:80",
                                                                         "[:::1]:80",
                                                                         "[1:2:3]:80",
                                                                         "[g::1]:80",
                                                                         " 127.0.0.1:80",
                                                                         std::string_view("127.0.0.1\0x:80", 14),
                                                                         std::string_view("[::1\0]:80", 9)}) {
        INFO(std::string(text));
        auto parsed = endpoint::parse(text);
        CHECK_FALSE(parsed);
        if (!parsed) CHECK(parsed.error() == std::errc::invalid_argument);
    }
}

TEST_CASE("an address without a port is parsed with one that is given") {
    CHECK(endpoint::parse("::1", 5).value().to_string() == "[::1]:5");
    CHECK(endpoint::parse("1.2.3.4", 5).value().to_string() == "1.2.3.4:5");
    CHECK_FALSE(endpoint::parse("[::1]", 5));
    CHECK_FALSE(endpoint::parse("1.2.3.4%lo", 5));
    CHECK_FALSE(endpoint::parse(std::string(1000, '1'), 5));
    CHECK_FALSE(endpoint::parse("fe80::1%" + std::string(100, 'x'), 5));
    CHECK(endpoint("127.0.0.1", 80).port() == 80);
    CHECK_THROWS_AS(endpoint("localhost", 80), std::invalid_argument);
}

TEST_CASE("an IPv6 zone is parsed and printed by its interface's name") {
    char name[IF_NAMESIZE];
    REQUIRE(::if_indextoname(1, name) != nullptr);
    const std::string text = std::string("[fe80::1%") + name + "]:80";
    auto parsed = endpoint::parse(text);
    REQUIRE(parsed);
    CHECK(parsed->to_string() == text);
    CHECK(*parsed == endpoint::parse(text).value());
    CHECK_FALSE(*parsed == endpoint("fe80::1", 80));
}

TEST_CASE("endpoints are equal when address, port and family are") {
    CHECK(endpoint() == endpoint("0.0.0.0", 0));
    CHECK(endpoint("1.2.3.4", 5) == endpoint("1.2.3.4", 5));
    CHECK_FALSE(endpoint("1.2.3.4", 5) == endpoint("1.2.3.4", 6));
    CHECK_FALSE(endpoint("1.2.3.4", 5) == endpoint("1.2.3.5", 5));
    CHECK_FALSE(endpoint("0.0.0.0", 5) == endpoint("::", 5));
    CHECK(endpoint("::1", 5) == endpoint("0:0::1", 5));
    CHECK_FALSE(endpoint("::1", 5) == endpoint("::2", 5));
    endpoint moved("::1", 5);
    moved.set_port(7);
    CHECK(moved == endpoint("::1", 7));
}

TEST_CASE("a socket's address becomes an endpoint and back, and other families are refused") {
    for (const auto& each : {endpoint("127.0.0.1", 80), endpoint("2001:db8::7", 443)}) {
        CHECK(endpoint::from_native(each.native(), each.native_size()).value() == each);
        CHECK_FALSE(endpoint::from_native(each.native(), each.native_size() - 1));
    }
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    auto refused = endpoint::from_native(reinterpret_cast<const sockaddr*>(&path), sizeof path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::address_family_not_supported);
}
