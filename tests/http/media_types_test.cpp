#include <tuyau/net/http/media_types.hpp>

#include <string_view>

#include <catch2/catch_test_macros.hpp>

using tuyau::http::media_types;

namespace {

constexpr std::string_view globs = "# a comment\n"
                                   "80:text/x-makefile:makefile\n"
                                   "50:application/x-compressed-tar:*.tar.gz\n"
                                   "40:application/x-less:*.odd\n"
                                   "60:application/x-more:*.odd\n"
                                   "50:application/x-between:*.odd\n"
                                   "50:text/x-c++src:*.C:cs\n"
                                   "50:text/x-readme:README*\n"
                                   "50:application/x-wrong:*.html\n"
                                   "no line at all\n"
                                   "x:text/x-no:*.no\n"
                                   "5000:text/x-no:*.no\n"
                                   "50::*.no\n"
                                   "50:text/x-no:\n"
                                   "50:text/x-last:*.last";

} // namespace

TEST_CASE("the types of the web are known everywhere") {
    const media_types types;
    CHECK(types.of("index.html") == "text/html; charset=utf-8");
    CHECK(types.of("folder.d/INDEX.HTM") == "text/html; charset=utf-8");
    CHECK(types.of("app.mjs") == "text/javascript; charset=utf-8");
    CHECK(types.of("a.b.css") == "text/css; charset=utf-8");
    CHECK(types.of("logo.svg") == "image/svg+xml");
    CHECK(types.of("data.json") == "application/json");
    CHECK(types.of("film.mp4") == "video/mp4");
}

TEST_CASE("what nobody knows is bytes") {
    const media_types types;
    for (const std::string_view each : {"", "html", ".html", "a.", "a.nobody-knows-this", "a.html.", "folder.html/file"}) {
        INFO(each);
        CHECK(types.of(each) == "application/octet-stream");
    }
}

TEST_CASE("the shared MIME database adds its own, by weight and by the longest extension") {
    media_types types;
    types.add_globs(globs);
    CHECK(types.of("a.tar.gz") == "application/x-compressed-tar");
    CHECK(types.of("a.gz") == "application/gzip");
    CHECK(types.of("sub/Makefile") == "text/x-makefile; charset=utf-8");
    CHECK(types.of("a.makefile") == "application/octet-stream");
    CHECK(types.of("a.odd") == "application/x-more");
    CHECK(types.of("a.last") == "text/x-last; charset=utf-8");
    CHECK(types.of("README") == "application/octet-stream");
    CHECK(types.of("a.no") == "application/octet-stream");
    CHECK(types.of("a.html") == "text/html; charset=utf-8"); // our own stay
}

TEST_CASE("a database that is not there is an error, and changes nothing") {
    media_types types;
    CHECK(types.add_globs_of("/nowhere/globs2").error() == std::errc::no_such_file_or_directory);
    CHECK(types.of("a.png") == "image/png");
}
