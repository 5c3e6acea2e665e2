#include <tuyau/net/http/folder_page.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

using tuyau::file_kind;
using tuyau::http::folder_page;

namespace {

bool in_order(const std::string& page, std::initializer_list<const char*> parts) {
    std::size_t at = 0;
    for (const char* part : parts) {
        at = page.find(part, at);
        if (at == std::string::npos) return false;
    }
    return true;
}

} // namespace

TEST_CASE("a folder's page links to what it holds, folders first") {
    const std::string page = folder_page("music", {{"b", file_kind::regular}, {"z", file_kind::folder}, {"a", file_kind::other}},
                                         true);
    CHECK(in_order(page, {"<h1>/music/</h1>", "\"../\"", "\"./z/\">z/<", "\"./a\">a<", "\"./b\">b<", "</html>"}));
    CHECK(page.find("more here") == std::string::npos);
}

TEST_CASE("the page of the top has nothing above it, and one that is cut says so") {
    const std::string page = folder_page(".", {}, false);
    CHECK(page.find("../") == std::string::npos);
    CHECK(page.find("<h1>/</h1>") != std::string::npos);
    CHECK(page.find("more here") != std::string::npos);
}

TEST_CASE("names in a folder's page are neither markup nor schemes, and hidden ones are left out") {
    const std::string page = folder_page("a\"<b", {{"javascript:alert(1)", file_kind::regular},
                                                   {"<script>", file_kind::regular},
                                                   {"\"q\"?#%", file_kind::regular},
                                                   {".profile", file_kind::regular}},
                                         true);
    CHECK(page.find("<script>") == std::string::npos);
    CHECK(page.find("href=\"./javascript%3Aalert%281%29\"") != std::string::npos);
    CHECK(page.find("href=\"./%22q%22%3F%23%25\"") != std::string::npos);
    CHECK(page.find("<h1>/a&quot;&lt;b/</h1>") != std::string::npos);
    CHECK(page.find("profile") == std::string::npos);
}
