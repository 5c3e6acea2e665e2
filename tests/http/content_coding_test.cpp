#include <tuyau/net/http/content_coding.hpp>

#include <array>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace tuyau::http;

namespace {

constexpr std::array all{content_coding::zstd, content_coding::br, content_coding::gzip};

content_coding chosen(std::vector<std::string_view> values, std::span<const content_coding> available = all) {
    std::vector<field> fields;
    for (const std::string_view each : values) fields.push_back({"Accept-Encoding", each});
    request_head asked;
    asked.fields = fields;
    return choose_coding(asked, available);
}

} // namespace

TEST_CASE("who says nothing of codings gets none") {
    CHECK(chosen({}) == content_coding::identity);
    CHECK(chosen({""}) == content_coding::identity);
    CHECK(chosen({"deflate"}) == content_coding::identity);
}

TEST_CASE("a coding that the client takes is chosen, the server's first if it has no wish") {
    CHECK(chosen({"gzip"}) == content_coding::gzip);
    CHECK(chosen({"GZip"}) == content_coding::gzip);
    CHECK(chosen({"x-gzip"}) == content_coding::gzip);
    CHECK(chosen({"gzip, deflate, br, zstd"}) == content_coding::zstd);
    CHECK(chosen({"gzip, deflate, br"}) == content_coding::br);
    CHECK(chosen({"gzip", "br"}) == content_coding::br);
    CHECK(chosen({"*"}) == content_coding::zstd);
    constexpr std::array one{content_coding::gzip};
    CHECK(chosen({"br, zstd"}, one) == content_coding::identity);
    CHECK(chosen({"br, *"}, one) == content_coding::gzip);
    CHECK(chosen({"gzip, br"}, {}) == content_coding::identity);
}

TEST_CASE("weights decide (RFC 9110, section 12.4.2)") {
    CHECK(chosen({"gzip;q=1.0, br;q=0.5, zstd;q=0.2"}) == content_coding::gzip);
    CHECK(chosen({"gzip;q=0.001"}) == content_coding::gzip);
    CHECK(chosen({"gzip;q=0.5, identity;q=0.5"}) == content_coding::gzip);
    CHECK(chosen({"gzip ; q=0.8 , identity;q=0.9"}) == content_coding::identity);
    CHECK(chosen({"gzip;Q=0.8,identity;q=0.5"}) == content_coding::gzip);
    CHECK(chosen({"*;q=0.5, br;q=0"}) == content_coding::zstd);
    CHECK(chosen({"zstd;q=0, br;q=0.000, gzip"}) == content_coding::gzip);
    CHECK(chosen({"gzip;q=0"}) == content_coding::identity);
}

TEST_CASE("what the client takes not at all is sent only if there is nothing else") {
    CHECK(chosen({"identity;q=0, gzip;q=0.1"}) == content_coding::gzip);
    CHECK(chosen({"identity;q=0"}) == content_coding::identity);
    CHECK(chosen({"*;q=0"}) == content_coding::identity);
    CHECK(chosen({"*;q=0, gzip"}) == content_coding::gzip);
}

TEST_CASE("a malformed wish is none") {
    for (const std::string_view each : {"gzip;q=2", "gzip;q=", "gzip;q=0.1234", "gzip;q=-1", "gzip;q=1.5", "gzip;x=1",
                                        "gzip;q", ";q=1", "gzip;q=0.5;q=1", "gzip br", "gzip;q=1.0001", "gzip;q=.5"}) {
        INFO(each);
        CHECK(chosen({each}) == content_coding::identity);
    }
    CHECK(chosen({"gzip;q=x, br"}) == content_coding::br);
    CHECK(chosen({",,br,"}) == content_coding::br);
}

TEST_CASE("codings have the names of the registry") {
    CHECK(name_of(content_coding::identity).empty());
    CHECK(name_of(content_coding::gzip) == "gzip");
    CHECK(name_of(content_coding::br) == "br");
    CHECK(name_of(content_coding::zstd) == "zstd");
}
