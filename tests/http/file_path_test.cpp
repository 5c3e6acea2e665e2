#include <tuyau/net/http/file_path.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using tuyau::http::find_file_path;
using tuyau::http::is_plain_path;
using tuyau::http::simplify_path;

namespace {

std::string path_of(std::string_view target) {
    const auto all = find_file_path(target);
    if (all.why.status != 0) return std::to_string(all.why.status);
    return all.found.path + (all.found.is_folder ? "/" : "");
}

} // namespace

TEST_CASE("a path becomes one that is relative, decoded and simple") {
    CHECK(path_of("/") == "./");
    CHECK(path_of("/a") == "a");
    CHECK(path_of("/a/") == "a/");
    CHECK(path_of("/a/b.txt") == "a/b.txt");
    CHECK(path_of("//a///b") == "a/b");
    CHECK(path_of("/a/./b") == "a/b");
    CHECK(path_of("/a/b/../c") == "a/c");
    CHECK(path_of("/a/..") == "./");
    CHECK(path_of("/a/b/..") == "a/");
    CHECK(path_of("/a/.") == "a/");
    CHECK(path_of("/a%20b") == "a b");
    CHECK(path_of("/%C3%a9t%C3%A9") == "\u00e9t\u00e9");
    CHECK(path_of("/100%25") == "100%");
    CHECK(path_of("/a%3Fb%23c") == "a?b#c");
    CHECK(path_of("/%2541") == "%41"); // decoded once
    CHECK(path_of("/a...b/..c..") == "404");
    CHECK(path_of("/a...b/c..") == "a...b/c..");
    CHECK(path_of("/.well-known/acme") == ".well-known/acme");
}

TEST_CASE("no spelling of a path leads beyond its beginning") {
    for (const std::string_view each : {"/..", "/../", "/../etc/passwd", "/a/../../b", "/%2e%2e/etc/passwd", "/%2E./x",
                                        "/.%2e/x", "//../x", "/./../x", "/a/%2e%2e/%2e%2e/x"}) {
        INFO(each);
        CHECK(path_of(each) == "400");
    }
    for (const std::string_view each : {"/..%2fetc/passwd", "/..%2Fetc", "/a%00.txt", "/%00", "/a%2f..%2f.."}) {
        INFO(each);
        CHECK(path_of(each) == "400");
    }
    for (const std::string_view each : {"/..\\..\\x", "/..%5c..%5Cx", "/a\\b", "/%5c"}) {
        INFO(each);
        CHECK(path_of(each) == "404");
    }
    CHECK(path_of("/%252e%252e/x") == "%2e%2e/x"); // a name like any other
    CHECK(path_of("/%c0%ae%c0%ae/x") == "\xc0\xae\xc0\xae/x");
}

TEST_CASE("what is hidden is not told from what is missing") {
    CHECK(path_of("/.git/config") == "404");
    CHECK(path_of("/a/.htpasswd") == "404");
    CHECK(path_of("/%2egit/config") == "404");
    CHECK(path_of("/a/.well-known") == "404");
    CHECK(path_of("/.well-known2") == "404");
    CHECK(path_of("/...") == "404");
    CHECK(path_of("/.git/..") == "./");
}

TEST_CASE("a wrong escape is refused, and so is what is no path") {
    for (const std::string_view each : {"/%", "/%2", "/%zz", "/a%2/b", "/%-1", "/% 1", "", "*", "a/b"}) {
        INFO(each);
        CHECK(path_of(each) == "400");
    }
}

TEST_CASE("all spellings of a path come to a plain one, which is its own") {
    for (const char* path : {"/", "/a", "/a/", "/a/b.txt", "/a...b/c.."}) {
        INFO(path);
        CHECK(is_plain_path(path));
        std::string plain = "what was there before";
        CHECK(simplify_path(path, plain).status == 0);
        CHECK(plain == path);
    }
    const std::vector<std::pair<std::string, std::string>> others{
        {"//a", "/a"},   {"/./a", "/a"},     {"/%61", "/a"},   {"/x/../a", "/a"},  {"/a//", "/a/"},
        {"/a/.", "/a/"}, {"/a/b/..", "/a/"}, {"/..a/..", "/"}, {"/%2541", "/%41"},
    };
    for (const auto& [path, plain] : others) {
        INFO(path);
        CHECK_FALSE(is_plain_path(path));
        CHECK(find_file_path(path).found.address == plain);
    }
    for (const char* path : {"", "a", "*", "/a\\b", "/.a", "/a/.b"}) CHECK_FALSE(is_plain_path(path));
}
