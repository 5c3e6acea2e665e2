#include <tuyau/net/http/conditions.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace tuyau::http;
using namespace std::chrono;

namespace {

constexpr sys_seconds now = sys_days(2026y / November / 23);
const std::string earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
const std::string then = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string later = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr sys_seconds modified = sys_days(1994y / November / 6) + 8h + 49min + 37s;

struct asking {
    std::vector<field> fields;
    tuyau::http::method method = HTTP_GET;

    request_head made() const {
        request_head all;
        all.method = method;
        all.fields = fields;
        return all;
    }
    verdict of(std::string_view tag) const { return weigh_conditions(made(), {tag, modified}, now); }
    bool range(std::string_view tag, sys_seconds when = now) const {
        return range_applies(made(), {tag, modified}, when);
    }
};

} // namespace

TEST_CASE("without conditions a request is performed") { CHECK(asking{{}}.of("\"a\"") == verdict::perform); }

TEST_CASE("If-None-Match is weak, a list, and may have commas in its tags (RFC 9110, section 13.1.2)") {
    for (const std::string_view each :
         {"\"a\"", "W/\"a\"", "*", "\"x\", \"a\"", "\"x\",W/\"a\"", ", ,\"a\",", "\"x,y\" , \"a\"", "\"x\"\t,\"a\""}) {
        INFO(each);
        CHECK(asking{{{"If-None-Match", each}}}.of("\"a\"") == verdict::not_modified);
        CHECK(asking{{{"if-none-match", each}}, HTTP_HEAD}.of("W/\"a\"") == verdict::not_modified);
        CHECK(asking{{{"If-None-Match", each}}, HTTP_POST}.of("\"a\"") == verdict::precondition_failed);
    }
    for (const std::string_view each : {"\"b\"", "\"A\"", "a", "\"a", "\"x,\"a\"\"", "w/\"a\"", "", "\"aa\"", "**"}) {
        INFO(each);
        CHECK(asking{{{"If-None-Match", each}}}.of("\"a\"") == verdict::perform);
    }
    CHECK(asking{{{"If-None-Match", "\"x,a\""}}}.of("\"a\"") == verdict::perform);
    CHECK(asking{{{"If-None-Match", "\"x\""}, {"If-None-Match", "\"a\""}}}.of("\"a\"") == verdict::not_modified);
}

TEST_CASE("If-Match is strong (RFC 9110, section 13.1.1)") {
    CHECK(asking{{{"If-Match", "\"x\", \"a\""}}}.of("\"a\"") == verdict::perform);
    CHECK(asking{{{"If-Match", "*"}}}.of("\"a\"") == verdict::perform);
    CHECK(asking{{{"If-Match", "\"b\""}}}.of("\"a\"") == verdict::precondition_failed);
    CHECK(asking{{{"If-Match", "W/\"a\""}}}.of("\"a\"") == verdict::precondition_failed);
    CHECK(asking{{{"If-Match", "\"a\""}}}.of("W/\"a\"") == verdict::precondition_failed);
    CHECK(asking{{{"If-Match", "\"a\""}}}.of("") == verdict::precondition_failed);
}

TEST_CASE("the dates of conditions are compared to the second (RFC 9110, sections 13.1.3 and 13.1.4)") {
    CHECK(asking{{{"If-Modified-Since", then}}}.of("") == verdict::not_modified);
    CHECK(asking{{{"If-Modified-Since", later}}}.of("") == verdict::not_modified);
    CHECK(asking{{{"If-Modified-Since", earlier}}}.of("") == verdict::perform);
    CHECK(asking{{{"If-Modified-Since", then}}, HTTP_POST}.of("") == verdict::perform);
    CHECK(asking{{{"If-Modified-Since", "yesterday"}}}.of("") == verdict::perform);
    CHECK(asking{{{"If-Modified-Since", then}, {"If-Modified-Since", then}}}.of("") == verdict::perform);
    CHECK(asking{{{"If-Unmodified-Since", then}}}.of("") == verdict::perform);
    CHECK(asking{{{"If-Unmodified-Since", earlier}}}.of("") == verdict::precondition_failed);
    CHECK(asking{{{"If-Unmodified-Since", "0"}}}.of("") == verdict::perform);
}

TEST_CASE("tags come before dates, and what must match before what must not (RFC 9110, section 13.2.2)") {
    CHECK(asking{{{"If-None-Match", "\"b\""}, {"If-Modified-Since", then}}}.of("\"a\"") == verdict::perform);
    CHECK(asking{{{"If-None-Match", "\"a\""}, {"If-Modified-Since", earlier}}}.of("\"a\"") == verdict::not_modified);
    CHECK(asking{{{"If-Match", "\"a\""}, {"If-Unmodified-Since", earlier}}}.of("\"a\"") == verdict::perform);
    CHECK(asking{{{"If-Match", "\"b\""}, {"If-None-Match", "\"a\""}}}.of("\"a\"") == verdict::precondition_failed);
    CHECK(asking{{{"If-Match", "\"a\""}, {"If-None-Match", "\"a\""}}}.of("\"a\"") == verdict::not_modified);
}

TEST_CASE("If-Range lets a range apply to the same state only (RFC 9110, section 13.1.5)") {
    CHECK(asking{{}}.range("\"a\""));
    CHECK(asking{{{"If-Range", "\"a\""}}}.range("\"a\""));
    CHECK_FALSE(asking{{{"If-Range", "\"b\""}}}.range("\"a\""));
    CHECK_FALSE(asking{{{"If-Range", "W/\"a\""}}}.range("W/\"a\""));
    CHECK_FALSE(asking{{{"If-Range", "\"a\""}}}.range("W/\"a\""));
    CHECK_FALSE(asking{{{"If-Range", "\"a\", \"b\""}}}.range("\"a\""));
    CHECK_FALSE(asking{{{"If-Range", "*"}}}.range("\"a\""));
    CHECK_FALSE(asking{{{"If-Range", ""}}}.range("\"a\""));
    CHECK(asking{{{"If-Range", then}}}.range(""));
    CHECK_FALSE(asking{{{"If-Range", later}}}.range(""));
    CHECK_FALSE(asking{{{"If-Range", earlier}}}.range(""));
    CHECK_FALSE(asking{{{"If-Range", then}}}.range("", modified));
    CHECK(asking{{{"If-Range", then}}}.range("", modified + 1s));
}
