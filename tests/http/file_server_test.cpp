// What a folder's files answer, without a socket.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <tuyau/runtime/scope.hpp>

#include "file_server_support.hpp"

using tests::body_of;
using tests::field_of;
using tests::served_folder;
using tests::status_of;
using tuyau::http::file_server_options;
using namespace std::chrono_literals;

namespace {

const std::string alphabet = "abcdefghijklmnopqrstuvwxyz";

/// From memory, or as larger files are, from the disk.
file_server_options from_memory_or_disk() {
    file_server_options options;
    options.files.largest_in_memory = GENERATE(std::size_t{256 * 1024}, std::size_t{0});
    return options;
}

file_server_options kept_for_an_hour() {
    file_server_options options;
    options.cache_time = 1h;
    return options;
}

} // namespace

TEST_CASE("a file is answered whole, with what describes it") {
    served_folder here(from_memory_or_disk());
    here.files().write("page.html", alphabet);
    const std::string answer = here.get("/page.html");
    CHECK(status_of(answer) == "200");
    CHECK(body_of(answer) == alphabet);
    CHECK(field_of(answer, "Content-Type") == "text/html; charset=utf-8");
    CHECK(field_of(answer, "Content-Length") == "26");
    CHECK(field_of(answer, "Accept-Ranges") == "bytes");
    CHECK(field_of(answer, "ETag").starts_with('"'));
    CHECK(field_of(answer, "Last-Modified").ends_with(" GMT"));
    CHECK(field_of(answer, "Vary").empty());
    CHECK(field_of(answer, "Cache-Control").empty());
    const std::string again = here.get("/page.html");
    CHECK(field_of(again, "ETag") == field_of(answer, "ETag"));
    CHECK(body_of(again) == alphabet);
}

TEST_CASE("a HEAD says what a GET would, and sends no content") {
    served_folder here(from_memory_or_disk());
    here.files().write("page.html", alphabet);
    const std::string answer = here.get("/page.html", {}, "HEAD");
    CHECK(status_of(answer) == "200");
    CHECK(body_of(answer).empty());
    const std::string whole = here.get("/page.html");
    for (const char* name : {"Content-Type", "Content-Length", "ETag", "Last-Modified", "Accept-Ranges"})
        CHECK(field_of(answer, name) == field_of(whole, name));
}

TEST_CASE("files of every size arrive as they are") {
    served_folder here(from_memory_or_disk());
    const std::size_t size = GENERATE(as<std::size_t>(), 0, 1, 16'383, 65'535, 65'536, 65'537, 300'000);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i * 31 + i / 251));
    here.files().write("file", text);
    CHECK(body_of(here.get("/file")) == text);
    const std::string twice = here.ask("GET /file HTTP/1.1\r\nHost: a\r\n\r\nHEAD /file HTTP/1.0\r\n\r\n");
    const auto second = twice.rfind("HTTP/1.1 200 OK\r\n");
    CHECK(body_of(twice.substr(0, second)) == text);
    CHECK(field_of(twice.substr(second), "Connection") == "close");
    CHECK(body_of(twice.substr(second)).empty());
}

TEST_CASE("only GET, HEAD and OPTIONS are for files") {
    served_folder here;
    here.files().write("page.html", alphabet);
    CHECK(status_of(here.get("/page.html", {}, "OPTIONS")) == "204");
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
        const std::string answer = here.get("/page.html", "Content-Length: 0\r\n", method);
        CHECK(status_of(answer) == "405");
        CHECK(field_of(answer, "Allow") == "GET, HEAD, OPTIONS");
    }
}

TEST_CASE("a folder answers with its index, and has a slash at its end") {
    file_server_options options;
    options.index = {"index.html", "index.txt"};
    served_folder here(options);
    here.files().write("index.html", "top");
    here.files().write("sub/index.txt", "inner");
    here.files().write("odd name/index.html", "odd");
    here.files().write("empty/other", "");
    std::filesystem::create_directories(here.files().path() / "trap" / "index.html");
    CHECK(body_of(here.get("/")) == "top");
    CHECK(body_of(here.get("/sub/")) == "inner");
    CHECK(field_of(here.get("/sub/"), "Content-Type") == "text/plain; charset=utf-8");
    CHECK(status_of(here.get("/sub")) == "301");
    CHECK(field_of(here.get("/sub"), "Location") == "/sub/");
    CHECK(field_of(here.get("/sub?a=b"), "Location") == "/sub/?a=b");
    CHECK(field_of(here.get("/odd%20name"), "Location") == "/odd%20name/");
    CHECK(status_of(here.get("/empty/")) == "404");
    CHECK(status_of(here.get("/trap/")) == "404");
    CHECK(status_of(here.get("/index.html/")) == "404");
}

TEST_CASE("a redirect never leads to another host") {
    served_folder here;
    here.files().write("example.org/index.html", "");
    CHECK(field_of(here.get("//example.org"), "Location") == "/example.org/");
    CHECK(field_of(here.get("/.//example.org"), "Location") == "/example.org/");
    CHECK(field_of(here.get("http://other//example.org"), "Location") == "/example.org/");
}

TEST_CASE("a listing shows what a folder holds, and only where it is asked for and no index is") {
    file_server_options options;
    options.listing = GENERATE(true, false);
    served_folder here(options);
    here.files().write("list/<b> & c", "");
    here.files().write("list/.concealed", "");
    here.files().write("list/folder/index.html", "inner");
    const std::string answer = here.get("/list/");
    CHECK(status_of(answer) == (options.listing ? "200" : "404"));
    CHECK((answer.find("<a href=\"./%3Cb%3E%20%26%20c\">&lt;b&gt; &amp; c</a>") != std::string::npos) == options.listing);
    CHECK((answer.find("<a href=\"./folder/\">folder/</a>") != std::string::npos) == options.listing);
    CHECK(answer.find("concealed") == std::string::npos);
    CHECK(body_of(here.get("/list/folder/")) == "inner");
}

TEST_CASE("nothing hidden or outside is served, however it is spelled") {
    served_folder here;
    const auto& files = here.files();
    files.write("public/page", "public");
    files.write(".secret", "secret");
    files.write(".git/config", "secret");
    files.write(".well-known/thing", "known");
    const tests::temporary_folder outside;
    outside.write("target", "secret");
    std::filesystem::create_symlink(outside / "target", files / "absolute");
    std::filesystem::create_symlink("../" + outside.path().filename().string() + "/target", files / "beyond");
    std::filesystem::create_symlink("public/page", files / "inner");
    std::filesystem::create_symlink("loop", files / "loop");
    CHECK(body_of(here.get("/.well-known/thing")) == "known");
    CHECK(body_of(here.get("/inner")) == "public");
    CHECK(body_of(here.get("/public/../public/./page")) == "public");
    for (const char* path :
         {"/.secret", "/%2esecret", "/.git/config", "/public/../.secret", "/public/%2e%2e/.secret", "/absolute", "/beyond",
          "/loop", "/../target", "/%2e%2e/target", "/..%2ftarget", "/public/..%5c..%5ctarget", "/public\\..\\..\\target",
          "/page%00.html", "/%", "/%zz", "/%c0%ae%c0%ae/target", "/%252e%252e/target", "/public/page/../../../target"}) {
        const std::string answer = here.get(path);
        CAPTURE(path);
        CHECK((status_of(answer) == "400" || status_of(answer) == "403" || status_of(answer) == "404"));
        CHECK(answer.find("secret") == std::string::npos);
    }
}

TEST_CASE("what is no regular file is not served, and nobody waits for it") {
    served_folder here;
    REQUIRE(::mkfifo((here.files() / "fifo").c_str(), 0600) == 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (here.files() / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    CHECK(status_of(here.get("/fifo")) == "404");
    CHECK(status_of(here.get("/socket")) == "404");
    ::close(listener);
}

TEST_CASE("names that no file can have are not found") {
    served_folder here;
    here.files().write("page", "");
    CHECK(status_of(here.get("/nothing")) == "404");
    CHECK(status_of(here.get("/page/below")) == "404");
    CHECK(status_of(here.get("/" + std::string(300, 'a'))) == "404");
    CHECK(status_of(here.get("/" + std::string(8000, 'a'))) == "404");
    std::string deep;
    for (int i = 0; i < 3000; ++i) deep += "/a";
    CHECK(status_of(here.get(deep)) == "404");
}

TEST_CASE("a client that has the file already is told so, and preconditions hold") {
    served_folder here(from_memory_or_disk());
    here.files().write("page.html", alphabet);
    const std::string known = here.get("/page.html");
    const std::string tag = field_of(known, "ETag");
    const std::string date = field_of(known, "Last-Modified");
    for (const std::string& fields : {"If-None-Match: " + tag + "\r\n", std::string("If-None-Match: *\r\n"),
                                      "If-Modified-Since: " + date + "\r\n"}) {
        const std::string answer = here.get("/page.html", fields);
        CHECK(status_of(answer) == "304");
        CHECK(body_of(answer).empty());
        CHECK(field_of(answer, "ETag") == tag);
        CHECK(field_of(answer, "Content-Type").empty());
    }
    CHECK(status_of(here.get("/page.html", "If-None-Match: \"other\"\r\n")) == "200");
    CHECK(status_of(here.get("/page.html", "If-Match: \"other\"\r\n")) == "412");
    CHECK(status_of(here.get("/page.html", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n")) == "412");
    CHECK(status_of(here.get("/page.html", "If-Match: " + tag + "\r\n")) == "200");
}

TEST_CASE("parts of a file are answered as they were asked for") {
    served_folder here(from_memory_or_disk());
    here.files().write("page.html", alphabet);
    const auto part = [&](const std::string& ranges, const std::string& more = {}) {
        return here.get("/page.html", "Range: " + ranges + "\r\n" + more);
    };
    const std::string middle = part("bytes=2-4");
    CHECK(status_of(middle) == "206");
    CHECK(body_of(middle) == "cde");
    CHECK(field_of(middle, "Content-Range") == "bytes 2-4/26");
    CHECK(field_of(middle, "Content-Length") == "3");
    CHECK(field_of(middle, "ETag").starts_with('"'));
    CHECK(body_of(part("bytes=24-")) == "yz");
    CHECK(body_of(part("bytes=-3")) == "xyz");
    CHECK(body_of(part("bytes=20-99999")) == "uvwxyz");
    const std::string none = part("bytes=26-");
    CHECK(status_of(none) == "416");
    CHECK(field_of(none, "Content-Range") == "bytes */26");
    CHECK(status_of(part("bytes=5-2")) == "200");
    CHECK(status_of(part("lines=1-2")) == "200");
    CHECK(status_of(part("bytes=1-2", "Range: bytes=1-2\r\n")) == "200");
    CHECK(status_of(here.get("/page.html", "Range: bytes=2-4\r\n", "HEAD")) == "200");
    const std::string tag = field_of(middle, "ETag");
    CHECK(status_of(part("bytes=2-4", "If-Range: " + tag + "\r\n")) == "206");
    CHECK(status_of(part("bytes=2-4", "If-Range: \"other\"\r\n")) == "200");
    CHECK(status_of(part("bytes=2-4", "If-None-Match: " + tag + "\r\n")) == "304");
}

TEST_CASE("of an empty file there are no parts, and none that could not be had") {
    served_folder here(from_memory_or_disk());
    here.files().write("empty", "");
    for (const char* ranges : {"bytes=0-", "bytes=0-0", "bytes=-5", "bytes=7-"}) {
        const std::string answer = here.get("/empty", std::string("Range: ") + ranges + "\r\n");
        CHECK(status_of(answer) == "200");
        CHECK(field_of(answer, "Content-Length") == "0");
    }
}

TEST_CASE("several parts come as one message of many, each with its place") {
    served_folder here(from_memory_or_disk());
    here.files().write("page.html", alphabet);
    const std::string answer = here.get("/page.html", "Range: bytes=0-1, 10-11, -1\r\n");
    CHECK(status_of(answer) == "206");
    const std::string type = field_of(answer, "Content-Type");
    const std::string start = "multipart/byteranges; boundary=";
    REQUIRE(type.starts_with(start));
    const std::string boundary = "--" + type.substr(start.size());
    const auto part = [](const std::string& range, const std::string& bytes) {
        return "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Range: bytes " + range + "/26\r\n\r\n" + bytes + "\r\n";
    };
    CHECK(body_of(answer) == boundary + part("0-1", "ab") + boundary + part("10-11", "kl") + boundary + part("25-25", "z") +
                                 boundary + "--\r\n");
    CHECK(field_of(answer, "Content-Length") == std::to_string(body_of(answer).size()));
    CHECK(field_of(answer, "Content-Range").empty());
}

TEST_CASE("ranges cannot make an answer much longer than the file") {
    served_folder here(from_memory_or_disk());
    const std::string text(100'000, 'x');
    here.files().write("file", text);
    std::string overlapping = "Range: bytes=0-";
    for (int i = 1; i < 30; ++i) overlapping += fmt::format(",{}-", i);
    CHECK(here.get("/file", overlapping + "\r\n").size() < text.size() + 1000);
    std::string many = "Range: bytes=0-0";
    for (int i = 1; i < 1000; ++i) many += fmt::format(",{0}-{0}", 2 * i);
    const std::string answer = here.get("/file", many + "\r\n");
    CHECK(status_of(answer) == "200");
    CHECK(body_of(answer) == text);
}

TEST_CASE("compressed siblings are served to those who take them") {
    served_folder here(from_memory_or_disk());
    const auto& files = here.files();
    files.write("page.html", alphabet);
    files.write("page.html.gz", "gzip bytes");
    files.write("page.html.br", "br bytes");
    files.write("page.html.zst", "zst");
    const auto taking = [&](const std::string& codings, const std::string& more = {}) {
        return here.get("/page.html", "Accept-Encoding: " + codings + "\r\n" + more);
    };
    const std::string packed = taking("gzip, deflate");
    CHECK(body_of(packed) == "gzip bytes");
    CHECK(field_of(packed, "Content-Encoding") == "gzip");
    CHECK(field_of(packed, "Content-Type") == "text/html; charset=utf-8");
    CHECK(field_of(packed, "Vary") == "Accept-Encoding");
    CHECK(body_of(taking("gzip, br, zstd")) == "zst"); // the smallest
    CHECK(body_of(taking("gzip, br;q=0.5")) == "gzip bytes");
    CHECK(body_of(taking("br")) == "br bytes");
    const std::string plain = here.get("/page.html");
    CHECK(body_of(plain) == alphabet);
    CHECK(field_of(plain, "Vary") == "Accept-Encoding");
    CHECK(field_of(plain, "ETag") != field_of(packed, "ETag"));
    CHECK(status_of(taking("gzip", "If-None-Match: " + field_of(packed, "ETag") + "\r\n")) == "304");
    CHECK(status_of(taking("br", "If-None-Match: " + field_of(packed, "ETag") + "\r\n")) == "200");
    const std::string part = taking("gzip", "Range: bytes=0-3\r\n");
    CHECK(body_of(part) == "gzip");
    CHECK(field_of(part, "Content-Encoding") == "gzip");
}

TEST_CASE("a sibling that is older or no smaller than its file, or no file, is not served") {
    served_folder here;
    const auto& files = here.files();
    files.write("page.html", alphabet, 60s);
    files.write("page.html.gz", "old", 120s);
    files.write("page.html.br", alphabet + alphabet, 60s);
    std::filesystem::create_directory(files.path() / "page.html.zst");
    const std::string answer = here.get("/page.html", "Accept-Encoding: gzip, br, zstd\r\n");
    CHECK(body_of(answer) == alphabet);
    CHECK(field_of(answer, "Vary").empty());
    CHECK(field_of(answer, "Content-Encoding").empty());
}

TEST_CASE("what Cache-Control is to say is said of every file") {
    file_server_options options = from_memory_or_disk();
    options.files.cache_control = "max-age=60";
    served_folder here(options);
    here.files().write("page.html", alphabet);
    const std::string answer = here.get("/page.html");
    CHECK(field_of(answer, "Cache-Control") == "max-age=60");
    CHECK(field_of(here.get("/page.html", "If-None-Match: *\r\n"), "Cache-Control") == "max-age=60");
    CHECK(field_of(here.get("/nothing"), "Cache-Control").empty());
}

TEST_CASE("a file is kept once, however its path is spelled") {
    served_folder here(kept_for_an_hour());
    here.files().write("file", "text");
    here.files().write("%66ile", "another");
    here.files().write("folder/index.html", "index");
    for (const char* path : {"/file", "//file", "/./file", "/%66ile", "/x/../file", "/file?a=b", "http://a//%66ile"}) {
        INFO(path);
        CHECK(body_of(here.get(path)) == "text");
    }
    CHECK(here.server().kept() == 1);
    CHECK(here.server().counts().loads == 1);
    for (const char* path : {"/folder/", "//folder//", "/f%6flder/x/.."}) CHECK(body_of(here.get(path)) == "index");
    CHECK(here.server().kept() == 2);
    CHECK(here.server().counts().loads == 2);
    CHECK(body_of(here.get("/%2566ile")) == "another"); // decoded once
    CHECK(body_of(here.get("/%66ile")) == "text");
    CHECK(status_of(here.get("/folder")) == "301");
    CHECK(status_of(here.get("/file/")) == "404");
}

TEST_CASE("a file that many ask for at once is loaded once") {
    const std::string text(GENERATE(1'000, 1'000'000), 'a');
    served_folder here(kept_for_an_hour());
    here.files().write("file", text);
    here.server();
    std::vector<std::string> answers(20);
    here.loop().run([](served_folder& place, std::vector<std::string>& all) -> tuyau::task<> {
        tuyau::scope asking;
        for (std::string& answer : all) {
            asking.spawn([](auto& server, std::string& out) -> tuyau::task<> {
                out = co_await tuyau::http::rehearse(std::ref(server), "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
            }(place.server(), answer));
        }
        co_await asking.join();
    }(here, answers));
    for (const std::string& answer : answers) CHECK(body_of(answer) == text);
    CHECK(here.server().counts().loads == 1);
}
