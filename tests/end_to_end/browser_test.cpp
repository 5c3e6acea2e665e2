#include <set>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <png.h>

#include "browser.hpp"

using tests::browse;

namespace {

struct picture {
    unsigned width;
    unsigned height;
    std::set<unsigned> colours;
};

picture look_at(const std::string& file) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_file(&image, file.c_str()) != 0);
    image.format = PNG_FORMAT_RGB;
    std::vector<unsigned char> bytes(PNG_IMAGE_SIZE(image));
    REQUIRE(png_image_finish_read(&image, nullptr, bytes.data(), 0, nullptr) != 0);
    picture seen{image.width, image.height, {}};
    for (std::size_t i = 0; i + 2 < bytes.size(); i += 3)
        seen.colours.insert(static_cast<unsigned>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]));
    return seen;
}

} // namespace

TEST_CASE("Chromium shows the page of uring-http: its DOM is the page's, and a screenshot is not blank") {
    const std::string program = tests::browser_or_skip();
    tests::process server({tests::program("uring-http"), "--listen", "127.0.0.1:0"});
    const std::string line = server.read_line().value_or("");
    const std::string url = line.substr(line.find("http"), line.find("/ ") + 1 - line.find("http"));
    const tests::temporary_folder work;

    const auto dom = browse(program, work, {"--dump-dom", url});
    INFO(dom.errors);
    REQUIRE(dom.code == 0);
    CHECK(dom.output.find("<h1>Hello World</h1>") != std::string::npos);
    CHECK(dom.output.find("<title>Hello World</title>") != std::string::npos);

    const std::string file = work / "page.png";
    const auto shot =
        browse(program, work, {"--window-size=1000,700", "--screenshot=" + file, url});
    INFO(shot.errors);
    REQUIRE(shot.code == 0);
    const picture seen = look_at(file);
    CHECK(seen.width == 1000);
    CHECK(seen.height == 700);
    CHECK(seen.colours.size() > 50); // a blank page has one
}
