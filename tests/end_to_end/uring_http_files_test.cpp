// uring-http --root: what a folder is served as, by clients that are not ours.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "support/http_server.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"
#include "support/temporary_folder.hpp"

using namespace tests;

namespace {

std::string status_of(const std::string& answer) { return answer.substr(answer.find(' ') + 1, 3); }

std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

std::string last_request(const std::string& target, const std::string& fields = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + "\r\n";
}

/// Ways to spell a target that some server has taken for one outside its folder.
std::vector<std::string> traversals() {
    const std::vector<std::string> dots{
        "..",         "%2e%2e",           "%2E.",  ".%2e",  "%252e%252e", "%c0%ae%c0%ae",
        "%e0%80%ae.", "%u002e%u002e",     "..%00", "..%20", "..;",        "%ef%bc%8e%ef%bc%8e",
        "...",        "\xc0\xae\xc0\xae", "..%0a"};
    const std::vector<std::string> slashes{"/",     "//",     "/./",  "%2f",       "%2F", "%252f",  "\\",     "%5c",
                                           "%255c", "%c0%af", "/%5c", "%e0%80%af", "/;/", "%u2215", "%c1%9c", "\\/"};
    std::vector<std::string> all;
    for (const std::string& dot : dots) {
        for (const std::string& slash : slashes) {
            for (const std::size_t depth : {1, 2, 9}) {
                std::string up;
                for (std::size_t level = 0; level < depth; ++level) up += dot + slash;
                for (const char* before : {"/", "/public/", "/public/page.html/"})
                    for (const char* goal : {"secret", "etc/passwd"}) all.push_back(before + up + goal);
            }
        }
    }
    for (const char* each : {"/.env",
                             "/%2eenv",
                             "/public/../.env",
                             "/.git/config",
                             "/public/.hidden",
                             "/out",
                             "/out/",
                             "/absolute",
                             "/up/secret",
                             "/public/page.html%00",
                             "/public/page.html%00.txt",
                             "/public/page.html/",
                             "/public/page.html/..",
                             "//etc/passwd",
                             "/etc/passwd",
                             "/proc/self/environ",
                             "/%",
                             "/%2",
                             "/%zz",
                             "/public%",
                             "../secret",
                             "secret",
                             "*",
                             "?",
                             "#",
                             "file:///etc/passwd",
                             "http://x/../secret",
                             "http://x//etc/passwd",
                             "http://x/%2e%2e/secret",
                             "/~root",
                             "/\x7f",
                             "/C:/secret",
                             "/public/page.html::$DATA",
                             "/public/./../../secret",
                             "/./.././secret",
                             "/public/..",
                             "/public/../../"})
        all.emplace_back(each);
    return all;
}

/// With these options nothing is served, and one line tells why. `before`: see `http_server`.
void fails(const std::vector<std::string>& options, int code, const std::string& words,
           std::vector<std::string> before = {}) {
    before.insert(before.end(), {program("uring-http"), "--listen", "127.0.0.1:0"});
    before.insert(before.end(), options.begin(), options.end());
    const auto ended = run(before);
    INFO(ended.errors);
    CHECK(ended.code == code);
    CHECK(ended.output.empty());
    CHECK(std::count(ended.errors.begin(), ended.errors.end(), '\n') == 1);
    CHECK(ended.errors.starts_with("uring-http: "));
    CHECK(ended.errors.find(words) != std::string::npos);
}

/// What to put before a command so that permissions bind it; skips the test where they cannot.
std::vector<std::string> as_one_with_permissions() {
    std::vector<std::string> before;
    if (::geteuid() == 0) before = {"setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"};
    std::vector<std::string> version = before;
    version.insert(version.end(), {program("uring-http"), "--version"});
    if (run(version).code != 0) SKIP("this user cannot become another, or the other may not run the program");
    return before;
}

} // namespace

TEST_CASE("no spelling of a path leads out of the folder, or to what is hidden in it") {
    const temporary_folder outside;
    outside.write("secret", "SECRET");
    outside.write("site/public/page.html", "page");
    outside.write("site/.env", "SECRET");
    outside.write("site/.git/config", "SECRET");
    outside.write("site/public/.hidden", "SECRET");
    std::filesystem::create_symlink("../secret", outside.path() / "site/out");
    std::filesystem::create_symlink("/etc/passwd", outside.path() / "site/absolute");
    std::filesystem::create_symlink("..", outside.path() / "site/up");
    http_server server({"--root", outside / "site", "--listing"});
    std::size_t answers = 0;
    for (const std::string& target : traversals()) {
        INFO(target);
        const std::string answer = server.ask(last_request(target));
        REQUIRE(answer.starts_with("HTTP/1.1 "));
        const std::string status = status_of(answer);
        const bool listed =
            status == "200" && answer.find("<title>/") != std::string::npos; // of a folder that is served
        const bool page = status == "200" && body_of(answer) == "page";      // a way round that comes back
        REQUIRE((status == "400" || status == "403" || status == "404" || status == "301" || listed || page));
        REQUIRE(answer.find("SECRET") == std::string::npos);
        REQUIRE(answer.find("root:") == std::string::npos);
        REQUIRE(answer.find(".env") == std::string::npos);
        REQUIRE(answer.find("secret</a>") == std::string::npos);
        ++answers;
    }
    CHECK(answers > 4000);
    CHECK(body_of(server.ask(last_request("/public/page.html"))) == "page");
    CHECK(server.end() == 0);
}

TEST_CASE("the end of a file larger than 4 GiB is had by a range, and its size is told") {
    const temporary_folder files;
    constexpr std::uintmax_t size = (std::uintmax_t{5} << 30) + 3;
    const std::string place = files / "huge";
    std::ofstream(place) << "begin";
    std::error_code trouble;
    std::filesystem::resize_file(place, size, trouble); // a hole, which takes no place on a disk
    if (trouble) SKIP("no file of 5 GiB can be made here: " << trouble.message());
    std::fstream(place, std::ios::in | std::ios::out).seekp(static_cast<std::streamoff>(size - 3)) << "end";
    http_server server({"--root", files.path().string()});
    const auto ask = [&](const std::string& range) { return server.ask(last_request("/huge", range)); };
    const std::string whole = std::to_string(size);
    const std::string last = ask("Range: bytes=-5\r\n");
    CHECK(status_of(last) == "206");
    CHECK(last.find("Content-Range: bytes " + std::to_string(size - 5) + "-" + std::to_string(size - 1) + "/" +
                    whole) != std::string::npos);
    CHECK(body_of(last) == std::string("\0\0end", 5));
    CHECK(body_of(ask("Range: bytes=" + std::to_string(size - 3) + "-\r\n")) == "end");
    CHECK(body_of(ask("Range: bytes=4294967295-4294967296\r\n")) == std::string(2, '\0'));
    const std::string none = ask("Range: bytes=" + whole + "-\r\n");
    CHECK(status_of(none) == "416");
    CHECK(none.find("Content-Range: bytes */" + whole + "\r\n") != std::string::npos);
    const std::string several = ask("Range: bytes=0-4,-3\r\n");
    CHECK(several.find("begin\r\n") != std::string::npos);
    CHECK(several.find("end\r\n") != std::string::npos);
    const std::string head = server.ask("HEAD /huge HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(head.find("Content-Length: " + whole + "\r\n") != std::string::npos);
}

TEST_CASE("curl resumes a download, and asks only for what is new") {
    const temporary_folder files;
    const std::string text(1'000'000, 'x');
    files.write("file", text + "end");
    http_server server({"--root", files.path().string()});
    const temporary_folder downloads;
    std::ofstream(downloads / "file") << text;
    const auto curl = [&](std::vector<std::string> options) {
        options.insert(options.begin(), {"curl", "-s", "--max-time", "30", "-o", downloads / "file", "-w",
                                         "%{http_code} %{size_download}"});
        options.push_back(server.url() + "file");
        return run(options).output;
    };
    CHECK(curl({"-C", "-"}) == "206 3");
    CHECK(std::filesystem::file_size(downloads / "file") == text.size() + 3);
    CHECK(curl({"--etag-save", downloads / "tag"}) == "200 1000003");
    CHECK(curl({"--etag-compare", downloads / "tag"}) == "304 0");
    CHECK(curl({"-z", downloads / "file"}) == "304 0");
}

TEST_CASE("a folder that cannot be served is one clear line, and nothing is served") {
    const temporary_folder files;
    files.write("file", "");
    fails({"--root", files / "nothing"}, 1, "cannot serve the folder '" + (files / "nothing") + "': No such file");
    fails({"--root", files / "file"}, 1, "cannot serve the folder '" + (files / "file") + "': Not a directory");
    fails({"--root", files.path().string(), "--host", "a=" + (files / "nothing")}, 1, "No such file");
    fails({"--root", ""}, 2, "--root");
    fails({"--host", "name"}, 2, "'name' is not NAME=DIR");
    fails({"--host", "=/"}, 2, "'=/' is not NAME=DIR");
    fails({"--host", "name="}, 2, "'name=' is not NAME=DIR");
    for (const std::string name : {"a/b", "a b", "a,b", "user@a", "a..b", ".a", "a..", ".", "[::1", "::1"})
        fails({"--host", name + "=/"}, 2, "--host: '" + name + "' ");
    fails({"--host", "*.example.org=/"}, 2, "'*.example.org' stands for no other names; give --host for each");
    for (const std::string name : {"example.org:8080", "[::1]:80", "example.org:"})
        fails({"--host", name + "=/"}, 2, "'" + name + "' has a port");
    fails({"--host", "A.example=/tmp", "--host", "b=/tmp", "--host", "a.Example.=/usr"}, 2,
          "'a.example' has two folders, /tmp and /usr");
    fails({"--index", "a/b"}, 2, "'a/b' is not the name of a file");
    fails({"--cache", "lots"}, 2, "--cache");
    fails({"--cache-control", "a\nb"}, 2, "--cache-control");
    fails({"--max-per-address=-1"}, 2, "--max-per-address");
    fails({"--max-requests", "0"}, 2, "--max-requests");
    fails({"--max-target", "17mb"}, 2, "--max-target");
    fails({"--max-fields", "0"}, 2, "--max-fields");
    fails({"--body-rate", "fast"}, 2, "--body-rate");
    fails({"--send-timeout", "0"}, 2, "--send-timeout");
    fails({"--threads", "1025"}, 2, "--threads");
    fails({"--access-log", ""}, 2, "--access-log");
}

TEST_CASE("a folder that its user may not enter is one clear line; one that it may only enter serves its files") {
    using std::filesystem::perms;
    const auto before = as_one_with_permissions();
    const temporary_folder files;
    files.write("page", "hello");
    const auto allow = [&](perms own) {
        std::filesystem::permissions(files.path(), own | perms(static_cast<unsigned>(own) >> 6));
    };
    const std::string root = files.path().string();
    const std::string not_entered =
        "cannot serve the folder '" + root + "': Permission denied (this user needs to enter";
    for (const perms without_entering : {perms::none, perms::owner_read}) {
        allow(without_entering);
        fails({"--root", root}, 1, not_entered, before);
        fails({"--host", "a=" + root}, 1, not_entered, before);
    }
    allow(perms::owner_exec);
    fails({"--root", root, "--listing"}, 1,
          "cannot list the folder '" + root + "': Permission denied (this user needs to read it", before);
    http_server server({"--root", root}, before);
    CHECK(body_of(server.ask(last_request("/page"))) == "hello");
    CHECK(server.end() == 0);
    allow(perms::owner_all);
}

TEST_CASE("a host is served its folder however its name is spelled, on the command line and in a request") {
    const temporary_folder files;
    files.write("page", "hello");
    http_server server({"--host", "Example.ORG.=" + files.path().string(), "--host", "[::1]=" + files.path().string()});
    for (const std::string host : {"example.org", "EXAMPLE.org:8080", "example.org.", "[::1]", "[::1]:80"}) {
        INFO(host);
        CHECK(body_of(server.ask("GET /page HTTP/1.0\r\nHost: " + host + "\r\n\r\n")) == "hello");
    }
    CHECK(status_of(server.ask("GET /page HTTP/1.0\r\nHost: example.com\r\n\r\n")) == "421");
    CHECK(server.end() == 0);
}

TEST_CASE("at its start it says what it serves, where, and with which limits") {
    const temporary_folder files;
    const std::string log = files / "log";
    http_server server({"--root",  files.path().string(), "--host",    "example.org=" + files.path().string(),
                        "--index", "start.html",          "--listing", "--cache",
                        "2mb",     "--threads",           "2",         "--max-connections",
                        "1000",    "--max-per-address",   "20",        "--max-requests",
                        "30",      "--max-header",        "4kb",       "--max-target",
                        "1kb",     "--max-fields",        "40",        "--max-body",
                        "5kb",     "--body-rate",         "100",       "--header-timeout",
                        "1.5",     "--body-timeout",      "2",         "--idle-timeout",
                        "3",       "--send-timeout",      "4",         "--access-log",
                        log});
    CHECK(server.end() == 0);
    const std::string told = server.program().read_output();
    for (const std::string& each :
         {"Files of " + files.path().string() + ", for all other hosts",
          "Files of " + files.path().string() + ", for the host example.org",
          std::string("For a folder: start.html, or a list of what is there"), std::string("2 MiB"),
          std::string("At most 1000 connections, 20 of one address, 30 requests each"), std::string("4096 bytes"),
          std::string("a target of 1024"), std::string("40 fields"), std::string("a body of 5120 bytes"),
          std::string("1.5 s"), std::string("a body 2 s (each 100 bytes give back a second)"), std::string("3 s"),
          std::string("4 s"), "The access log, in the combined format: " + log}) {
        INFO(each << " in " << told);
        CHECK(told.find(each) != std::string::npos);
    }
}
