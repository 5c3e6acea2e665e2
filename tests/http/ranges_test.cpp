#include <tuyau/net/http/ranges.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace tuyau::http;

namespace {

using parts = std::vector<byte_range>;

parts parts_of(std::string_view value, std::uint64_t size = 1000) {
    const auto all = choose_ranges(value, size);
    CHECK(all.kind == range_kind::parts);
    return all.parts;
}

} // namespace

TEST_CASE("a range names its first and last byte, or the last so many (RFC 9110, section 14.1.2)") {
    CHECK(parts_of("bytes=0-499") == parts{{0, 500}});
    CHECK(parts_of("bytes=500-999") == parts{{500, 500}});
    CHECK(parts_of("bytes=-500") == parts{{500, 500}});
    CHECK(parts_of("bytes=950-") == parts{{950, 50}});
    CHECK(parts_of("bytes=0-0") == parts{{0, 1}});
    CHECK(parts_of("bytes=-1") == parts{{999, 1}});
    CHECK(parts_of("bytes=999-") == parts{{999, 1}});
    CHECK(parts_of("Bytes= 1-2 ") == parts{{1, 2}});
}

TEST_CASE("a range that goes beyond the end is cut there") {
    CHECK(parts_of("bytes=900-2000") == parts{{900, 100}});
    CHECK(parts_of("bytes=-2000") == parts{{0, 1000}});
    CHECK(parts_of("bytes=0-99999999999999999999999") == parts{{0, 1000}});
    CHECK(parts_of("bytes=-99999999999999999999999") == parts{{0, 1000}});
    constexpr std::uint64_t largest = ~std::uint64_t{0};
    CHECK(parts_of("bytes=1-", largest) == parts{{1, largest - 1}});
    CHECK(parts_of("bytes=0-18446744073709551615", largest) == parts{{0, largest}});
}

TEST_CASE("several ranges keep their order, and those that overlap or touch are one") {
    CHECK(parts_of("bytes=500-600,0-99") == parts{{500, 101}, {0, 100}});
    CHECK(parts_of("bytes=0-9, 5-19 ,\t30-39") == parts{{0, 20}, {30, 10}});
    CHECK(parts_of("bytes=0-9,10-19") == parts{{0, 20}});
    CHECK(parts_of("bytes=0-9,20-29,10-19") == parts{{0, 30}});
    CHECK(parts_of("bytes=,0-9,,") == parts{{0, 10}});
    CHECK(parts_of("bytes=0-9,2000-3000") == parts{{0, 10}});
}

TEST_CASE("no bytes are asked for twice, however often they are named") {
    std::string value = "bytes=0-";
    for (std::size_t number = 1; number < most_ranges; ++number) value += ",0-";
    CHECK(parts_of(value) == parts{{0, 1000}});
    CHECK(choose_ranges(value + ",0-", 1000).kind == range_kind::whole);
}

TEST_CASE("of a range that lies outside nothing can be sent") {
    for (const std::string_view each :
         {"bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=5000-6000,7000-", "bytes=99999999999999999999999-"}) {
        INFO(each);
        CHECK(choose_ranges(each, 1000).kind == range_kind::unsatisfiable);
    }
}

TEST_CASE("of nothing there are no parts") {
    for (const std::string_view each : {"bytes=0-", "bytes=0-0", "bytes=-1"}) {
        INFO(each);
        CHECK(choose_ranges(each, 0).kind == range_kind::whole);
    }
}

TEST_CASE("a range that is malformed or of another unit does not count") {
    for (const std::string_view each :
         {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=2-1", "bytes=1-2-3", "bytes=--1",
          "bytes=+1-2", "bytes=1 -2", "bytes=0x1-2", "bytes=0-9,x", "bytes=0-9;10-19", "items=0-9", "bytes:0-9", "0-9",
          "bytes =0-9"}) {
        INFO(each);
        CHECK(choose_ranges(each, 1000).kind == range_kind::whole);
    }
}
