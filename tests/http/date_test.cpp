#include <tuyau/net/http/date.hpp>

#include <chrono>
#include <optional>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono;
using tuyau::http::format_date;
using tuyau::http::parse_date;

namespace {

constexpr sys_seconds now = sys_days(2026y / November / 23);
constexpr sys_seconds example = sys_days(1994y / November / 6) + 8h + 49min + 37s; // RFC 9110, section 5.6.7

std::optional<sys_seconds> read(std::string_view text) { return parse_date(text, now); }

} // namespace

TEST_CASE("a date is written in the one form that is not obsolete") {
    CHECK(format_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(format_date(sys_seconds()) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(format_date(sys_days(2000y / February / 29)) == "Tue, 29 Feb 2000 00:00:00 GMT");
    CHECK(format_date(sys_days(1969y / December / 31) + 23h + 59min + 59s) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST_CASE("a date is read in all three forms") {
    CHECK(read("Sun, 06 Nov 1994 08:49:37 GMT") == example);
    CHECK(read("Sunday, 06-Nov-94 08:49:37 GMT") == example);
    CHECK(read("Sun Nov  6 08:49:37 1994") == example);
    CHECK(read("Sun Nov 06 08:49:37 1994") == example);
    CHECK(read("Sat, 31 Dec 2016 23:59:60 GMT") == sys_seconds(sys_days(2017y / January / 1)));
}

TEST_CASE("every day of a leap year is read as it was written") {
    for (sys_days each = 2024y / January / 1; each < 2025y / January / 1; each += days(1))
        CHECK(read(format_date(each + 12h)) == sys_seconds(each + 12h));
}

TEST_CASE("a year of two digits is at most 50 years ahead") {
    CHECK(read("Monday, 23-Nov-26 00:00:00 GMT") == now);
    CHECK(read("Monday, 23-Nov-76 00:00:00 GMT") == sys_seconds(sys_days(2076y / November / 23)));
    CHECK(read("Wednesday, 23-Nov-77 00:00:00 GMT") == sys_seconds(sys_days(1977y / November / 23)));
}

TEST_CASE("what is no date is read as none") {
    for (const std::string_view each : {"",
                                        "Sun",
                                        "Sun, ",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 08:49:37 UTC",
                                        "Sun, 06 Nov 1994 08:49:37 GMT ",
                                        " Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sun, 6 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 nov 1994 08:49:37 GMT",
                                        "Son, 06 Nov 1994 08:49:37 GMT",
                                        "Sun, 31 Feb 1994 08:49:37 GMT",
                                        "Sun, 00 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 24:00:00 GMT",
                                        "Sun, 06 Nov 1994 08:60:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:61 GMT",
                                        "Sun, 06 Nov +994 08:49:37 GMT",
                                        "Sun, 06 Nov 19945 08:49:37 GMT",
                                        "Sunday, 06-Nov-1994 08:49:37 GMT",
                                        "Sunday, 06 Nov 94 08:49:37 GMT",
                                        "Sun Nov 6 08:49:37 1994",
                                        "Sun Nov  6 08:49:37 94",
                                        "Sun Nov  6 08:49:37 1994 GMT",
                                        "1994-11-06T08:49:37Z",
                                        "784111777",
                                        "0"}) {
        INFO(each);
        CHECK_FALSE(read(each));
    }
}
