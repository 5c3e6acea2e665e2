#include <tuyau/net/http/response_batch.hpp>

#include <regex>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/status.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace tuyau::http;
using namespace std::chrono_literals;

namespace {

std::string bytes_of(response_batch& batch) {
    std::string all;
    for (const iovec& each : batch.pieces()) all.append(static_cast<const char*>(each.iov_base), each.iov_len);
    return all;
}

std::string without_date(const std::string& text) {
    return std::regex_replace(
        text, std::regex("Date: [A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT\r\n"), "");
}

request_head asking(http::method method, std::uint8_t minor_version = 1) {
    request_head asked;
    asked.method = method;
    asked.minor_version = minor_version;
    return asked;
}

} // namespace

TEST_CASE("a prepared response is whole, dated, and without its body for a HEAD") {
    loop here;
    date_clock date;
    prepared_response page(200, "text/plain", "hello", "X: y\r\n");
    response_batch batch;
    batch.add(asking(HTTP_GET), false, page, date);
    CHECK(without_date(bytes_of(batch)) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX: y\r\n\r\nhello");
    CHECK(bytes_of(batch).find("\r\nDate: ") != std::string::npos);
    batch.clear();
    CHECK(batch.empty());
    batch.add(asking(HTTP_HEAD), false, page, date);
    CHECK(without_date(bytes_of(batch)) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX: y\r\n\r\n");
}

TEST_CASE("a response says what becomes of the connection where the version's default does not") {
    loop here;
    date_clock date;
    prepared_response page(200, "text/plain", "hello");
    response_batch batch;
    batch.add(asking(HTTP_GET), true, page, date);
    CHECK(bytes_of(batch).find("\r\nConnection: close\r\n\r\nhello") != std::string::npos);
    batch.clear();
    batch.add(asking(HTTP_GET, 0), false, page, date);
    CHECK(bytes_of(batch).find("\r\nConnection: keep-alive\r\n\r\nhello") != std::string::npos);
    batch.clear();
    batch.add(asking(HTTP_POST, 0), false, 405, "text/plain", {}, "no", date);
    CHECK(bytes_of(batch).find("\r\nConnection: keep-alive\r\n\r\nno") != std::string::npos);
}

TEST_CASE("responses of every kind stand in the batch in the order in which they were added") {
    loop here;
    date_clock date;
    prepared_response page(200, "text/plain", "hello");
    response_batch batch;
    batch.add_interim(100);
    batch.add(asking(HTTP_POST), false, 405, "text/plain", "Allow: GET\r\n", "no", date);
    batch.add(asking(HTTP_GET), false, page, date);
    batch.add(asking(HTTP_OPTIONS), false, 204, {}, {}, {}, date);
    batch.add(asking(HTTP_GET), false, page, date);
    CHECK(without_date(bytes_of(batch)) ==
          "HTTP/1.1 100 Continue\r\n\r\n"
          "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nAllow: GET\r\n\r\nno"
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
          "HTTP/1.1 204 No Content\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_CASE("prepared responses in a row are few pieces, whatever stands between them") {
    loop here;
    date_clock date;
    prepared_response page(200, "text/plain", "hello");
    prepared_response other(404, "text/plain", "gone");
    const std::string hello = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    const std::string gone = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ngone";
    response_batch batch;
    std::string expected;
    for (int number = 0; number < 40; ++number) {
        batch.add(asking(HTTP_GET), false, page, date);
        expected += hello;
    }
    CHECK(batch.pieces().size() == 3);
    for (int number = 0; number < 2; ++number) {
        batch.add(asking(HTTP_HEAD), false, page, date);
        batch.add(asking(HTTP_GET), false, page, date);
        batch.add_interim(100);
        batch.add(asking(HTTP_GET), false, page, date);
        batch.add(asking(HTTP_GET), false, other, date);
        expected += hello.substr(0, hello.size() - 5) + hello + "HTTP/1.1 100 Continue\r\n\r\n" + hello + gone;
    }
    CHECK(without_date(bytes_of(batch)) == expected);
    batch.clear();
    batch.add(asking(HTTP_GET), false, page, date);
    CHECK(without_date(bytes_of(batch)) == hello);
}

TEST_CASE("a prepared response that is on its way stays as it was when the date changes") {
    loop here;
    here.run([]() -> task<> {
        date_clock date;
        prepared_response page(200, "text/plain", "hello");
        response_batch batch;
        batch.add(asking(HTTP_GET), false, page, date);
        const std::string before = bytes_of(batch);
        const unsigned long generation = date.generation();
        while (date.generation() == generation) {
            co_await sleep_for(50ms);
            page.at(date);
        }
        CHECK(bytes_of(batch) == before);
        response_batch later;
        later.add(asking(HTTP_GET), false, page, date);
        CHECK(bytes_of(later) != before);
        CHECK(without_date(bytes_of(later)) == without_date(before));
    }());
}

TEST_CASE("reason phrases are those of the registry") {
    CHECK(reason(200) == "OK");
    CHECK(reason(404) == "Not Found");
    CHECK(reason(431) == "Request Header Fields Too Large");
    CHECK(reason(299).empty());
}
