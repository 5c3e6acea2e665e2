// Files that are changed, cut, replaced and removed while they are served.

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <tuyau/net/http/server.hpp>

#include "file_server_support.hpp"

using namespace std::chrono_literals;
using tests::body_of;
using tests::field_of;
using tests::served_folder;
using tests::status_of;
using tuyau::http::file_server_options;

namespace {

/// A client that has something done as soon as the first bytes reach it.
class meddling_stream : public tuyau::http::rehearsal_stream {
public:
    meddling_stream(std::string requests, std::string& answers, std::function<void()> meddle)
        : rehearsal_stream(std::move(requests), std::string::npos, answers), meddle_(std::move(meddle)) {}

    ready<tuyau::result<void>> send(std::span<iovec> pieces) {
        auto sent = rehearsal_stream::send(pieces);
        if (meddle_) std::exchange(meddle_, nullptr)();
        return sent;
    }

private:
    std::function<void()> meddle_;
};

std::string get_meddling(served_folder& here, const std::string& path, std::function<void()> meddle) {
    std::string answer;
    tuyau::http::server server(std::ref(here.server()));
    meddling_stream stream("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\nGET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n",
                           answer, std::move(meddle));
    here.loop().run(server.converse(std::move(stream)));
    return answer;
}

file_server_options without_waiting() {
    file_server_options options;
    options.cache_time = 0ms;
    return options;
}

std::size_t open_descriptors() {
    using entries = std::filesystem::directory_iterator;
    return static_cast<std::size_t>(std::distance(entries("/proc/self/fd"), entries()));
}

constexpr std::size_t large = 1'000'000; // more than is kept in memory

} // namespace

TEST_CASE("a file that is cut, lengthened or rewritten while it is sent ends the response short, and the connection") {
    served_folder here;
    here.files().write("file", std::string(large, 'a'));
    const std::string place = here.files() / "file";
    const int how = GENERATE(0, 1, 2);
    CAPTURE(how);
    const std::string answer = get_meddling(here, "/file", [&] {
        if (how == 0) std::filesystem::resize_file(place, 100'000);
        if (how == 1) std::ofstream(place, std::ios::app) << "more";
        if (how == 2) std::fstream(place, std::ios::in | std::ios::out) << "bbbb";
    });
    CHECK(status_of(answer) == "200");
    CHECK(field_of(answer, "Content-Length") == std::to_string(large));
    CHECK(body_of(answer).size() < large);
    CHECK(body_of(answer).find("HTTP/1.1") == std::string::npos); // nothing is answered behind it
}

TEST_CASE("a file that is removed or replaced while it is sent arrives whole, as it was") {
    served_folder here;
    here.files().write("file", std::string(large, 'a'));
    here.files().write("other", std::string(large, 'b'));
    const bool replaced = GENERATE(true, false);
    const std::string answer = get_meddling(here, "/file", [&] {
        if (replaced)
            std::filesystem::rename(here.files() / "other", here.files() / "file");
        else
            std::filesystem::remove(here.files() / "file");
    });
    const std::string first = body_of(answer).substr(0, large);
    CHECK(first == std::string(large, 'a'));
    const std::string second = body_of(answer).substr(large);
    CHECK(status_of(second) == (replaced ? "200" : "404"));
    if (replaced) CHECK(body_of(second) == std::string(large, 'b'));
}

TEST_CASE("a small file's change is seen once it is time to look again") {
    served_folder here(without_waiting());
    here.files().write("file", "one", 3600s);
    const std::string one = here.get("/file");
    here.files().write("file", "two", 1800s);
    const std::string two = here.get("/file");
    CHECK(body_of(two) == "two");
    CHECK(field_of(one, "ETag") != field_of(two, "ETag"));
    CHECK(status_of(here.get("/file", "If-None-Match: " + field_of(one, "ETag") + "\r\n")) == "200");
    std::filesystem::remove(here.files() / "file");
    CHECK(status_of(here.get("/file")) == "404");
    here.files().write("file", "three");
    CHECK(body_of(here.get("/file")) == "three");
}

TEST_CASE("until it is time to look again a small file is answered from memory") {
    file_server_options options;
    options.cache_time = 1h;
    served_folder here(options);
    here.files().write("file", "one");
    CHECK(body_of(here.get("/file")) == "one");
    std::filesystem::remove(here.files() / "file");
    CHECK(body_of(here.get("/file")) == "one");
}

TEST_CASE("a sibling that comes, changes or goes is noticed") {
    served_folder here(without_waiting());
    here.files().write("file", "a long text", 3600s);
    const auto get = [&] { return body_of(here.get("/file", "Accept-Encoding: gzip\r\n")); };
    CHECK(get() == "a long text");
    here.files().write("file.gz", "short", 1800s);
    CHECK(get() == "short");
    here.files().write("file.gz", "other", 900s);
    CHECK(get() == "other");
    std::filesystem::remove(here.files() / "file.gz");
    CHECK(get() == "a long text");
}

TEST_CASE("a file that has just been changed has a weak tag, and is kept for less long") {
    file_server_options options;
    options.cache_time = 1h;
    options.unsettled_cache_time = GENERATE(0ms, 1h);
    served_folder here(options);
    here.files().write("file", "one", 0s);
    const std::string one = here.get("/file");
    CHECK(field_of(one, "ETag").starts_with("W/\""));
    CHECK(status_of(here.get("/file", "Range: bytes=0-0\r\nIf-Range: " + field_of(one, "ETag") + "\r\n")) == "200");
    here.files().write("file", "two", 0s);
    CHECK(body_of(here.get("/file")) == (options.unsettled_cache_time == 0ms ? "two" : "one"));
}

TEST_CASE("a large file is kept open, and its changes are seen at once, and another in its place") {
    file_server_options options;
    options.cache_time = 1h;
    served_folder here(options);
    here.files().write("file", std::string(large, 'a'), 3600s);
    CHECK(body_of(here.get("/file")) == std::string(large, 'a'));
    here.files().write("file", std::string(large, 'b'), 1800s);
    CHECK(body_of(here.get("/file")) == std::string(large, 'b'));
    const std::size_t open = open_descriptors();
    here.files().write("other", std::string(large, 'c'));
    std::filesystem::rename(here.files() / "other", here.files() / "file");
    CHECK(body_of(here.get("/file")) == std::string(large, 'c'));
    CHECK(open_descriptors() == open);
    std::filesystem::remove(here.files() / "file");
    CHECK(status_of(here.get("/file")) == "404");
    CHECK(open_descriptors() == open - 1);
}

TEST_CASE("large files that are kept open are bounded in number") {
    file_server_options options;
    options.cache_time = 1h;
    options.open_files = 3;
    served_folder here(options);
    for (int i = 0; i < 10; ++i) here.files().write("file" + std::to_string(i), std::string(large, 'a'));
    CHECK(status_of(here.get("/file0")) == "200");
    const std::size_t one_open = open_descriptors();
    for (int i = 0; i < 10; ++i) CHECK(status_of(here.get("/file" + std::to_string(i))) == "200");
    CHECK(open_descriptors() == one_open + 2);
}

TEST_CASE("what is kept is bounded, and what is asked for lives longest") {
    file_server_options options;
    options.cache_time = 1h;
    options.cache = 400'000;
    served_folder here(options);
    for (int i = 0; i < 10; ++i) here.files().write("file" + std::to_string(i), std::string(100'000, 'a'));
    for (int i = 0; i < 10; ++i) {
        CHECK(status_of(here.get("/file0")) == "200");
        CHECK(status_of(here.get("/file" + std::to_string(i))) == "200");
    }
    for (int i = 0; i < 10; ++i) std::filesystem::remove(here.files() / ("file" + std::to_string(i)));
    CHECK(status_of(here.get("/file0")) == "200");
    CHECK(status_of(here.get("/file9")) == "200");
    CHECK(status_of(here.get("/file5")) == "404");
}
