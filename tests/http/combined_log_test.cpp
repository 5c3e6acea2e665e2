#include <tuyau/net/http/combined_log.hpp>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace tuyau::http;

namespace {

constexpr const char* some_time = "06/Nov/1994:08:49:37 +0000";

std::string line_of(const answered& what) {
    std::string log;
    append_combined_line(log, what, some_time);
    return log;
}

/// The time in a zone by TZ's own notation, which counts to the west.
std::string time_in(const char* zone, std::chrono::sys_seconds when) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    std::string text = format_log_time(when);
    ::unsetenv("TZ");
    ::tzset();
    return text;
}

} // namespace

TEST_CASE("a response is one line of the combined format") {
    const std::vector<field> fields{
        {"Host", "a"}, {"referer", "http://example.org/"}, {"User-Agent", "curl/8.0 (x; y)"}};
    request_head asked;
    asked.target = "/a?b=c";
    asked.fields = fields;
    CHECK(line_of({"192.0.2.1", &asked, 200, 12'345'678'901, {}}) ==
          "192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b=c HTTP/1.1\" 200 12345678901 \"http://example.org/\" "
          "\"curl/8.0 (x; y)\"\n");
    asked.minor_version = 0;
    asked.method = HTTP_HEAD;
    asked.fields = {};
    CHECK(line_of({"2001:db8::1", &asked, 404, 0, {}}) ==
          "2001:db8::1 - - [06/Nov/1994:08:49:37 +0000] \"HEAD /a?b=c HTTP/1.0\" 404 0 \"-\" \"-\"\n");
}

TEST_CASE("what is not known of a request is a dash, and a client that went away a 499") {
    CHECK(line_of({{}, nullptr, 400, 100, refusal_cause::not_http}) ==
          "- - - [06/Nov/1994:08:49:37 +0000] \"-\" 400 100 \"-\" \"-\"\n");
    const request_head asked; // of which not even the target has come
    CHECK(line_of({"192.0.2.1", &asked, 0, 0, {}}) ==
          "192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] \"-\" 499 0 \"-\" \"-\"\n");
}

TEST_CASE("nothing that a client says ends a column or a line of the log, or reaches a terminal") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
    const std::vector<field> fields{{"referer", all}, {"user-agent", "\" \"forged\"\n127.0.0.1 - -\\"}};
    request_head asked;
    asked.target = all;
    asked.fields = fields;
    const std::string line = line_of({"192.0.2.1", &asked, 200, 1, {}});
    std::size_t quotes = 0;
    for (std::size_t at = 0; at + 1 < line.size(); ++at) {
        const char each = line[at];
        CHECK((each >= 0x20 && each <= 0x7e));
        quotes += each == '"' ? 1 : 0;
        if (each == '\\') CHECK(line[at + 1] == 'x');
    }
    CHECK(quotes == 6);
    CHECK(line.back() == '\n');
    CHECK(line.ends_with(" \"\\x22 \\x22forged\\x22\\x0A127.0.0.1 - -\\x5C\"\n"));
    CHECK(line.find("\\x00\\x01") != std::string::npos);
    CHECK(line.find("}~\\x7F\\x80") != std::string::npos);
    CHECK(line.find(" !\\x22#") != std::string::npos);
}

TEST_CASE("the time of a line is the machine's, with its distance from UTC") {
    const std::chrono::sys_seconds when(std::chrono::seconds(784'111'777)); // RFC 9110's example
    CHECK(time_in("UTC0", when) == "06/Nov/1994:08:49:37 +0000");
    CHECK(time_in("XST-5:30", when) == "06/Nov/1994:14:19:37 +0530");
    CHECK(time_in("XST9:30", when) == "05/Nov/1994:23:19:37 -0930");
}
