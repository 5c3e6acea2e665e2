#include <tuyau/net/http/address_quota.hpp>

#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using tuyau::endpoint;
using tuyau::http::address_quota;

TEST_CASE("an address has its share of places, and gets one back when one is given up") {
    address_quota quota(2);
    auto first = quota.take({"192.0.2.1", 1});
    auto second = quota.take({"192.0.2.1", 2});
    CHECK(first);
    CHECK(second);
    CHECK_FALSE(quota.take({"192.0.2.1", 3}));
    CHECK(quota.take({"192.0.2.2", 1}));
    const auto moved = std::move(first);
    CHECK_FALSE(quota.take({"192.0.2.1", 3}));
    second = {};
    CHECK(quota.take({"192.0.2.1", 3}));
}

TEST_CASE("of IPv6 the first 64 bits count, and of IPv4 in IPv6 the IPv4 address") {
    address_quota quota(1);
    const auto one = quota.take({"2001:db8::1", 1});
    CHECK_FALSE(quota.take({"2001:db8::2", 1}));
    CHECK(quota.take({"2001:db8:0:1::1", 1}));
    const auto four = quota.take({"192.0.2.1", 1});
    CHECK_FALSE(quota.take({"::ffff:192.0.2.1", 1}));
    CHECK(quota.take({"::ffff:192.0.2.2", 1}));
}

TEST_CASE("places come and go on several threads, and all come back") {
    address_quota quota(1);
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&quota, number] {
            for (int i = 0; i < 1000; ++i) {
                const auto shared = quota.take({"192.0.2.1", 1});
                const auto own = quota.take({"198.51.100." + std::to_string(number), 1});
                if (!own) std::terminate();
            }
        });
    }
    for (std::thread& each : threads) each.join();
    CHECK(quota.take({"192.0.2.1", 1}));
}
