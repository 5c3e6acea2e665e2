// Chromium and a folder of files: a site of many small ones, and a film that it takes by ranges.

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

#include "browser.hpp"
#include "film.hpp"
#include "support/http_server.hpp"

using namespace tests;

namespace {

constexpr int of_each_kind = 67;

/// A page with 67 style sheets, 67 scripts and 67 pictures, of which each does what no other does.
void write_site(const temporary_folder& files) {
    std::string head;
    std::string body;
    for (int number = 0; number < of_each_kind; ++number) {
        files.write(fmt::format("style/{}.css", number), fmt::format("#box{0}{{width:{1}px}}\n", number, number + 1));
        files.write(fmt::format("script/{}.js", number), fmt::format("ran.add({});\n", number));
        files.write(
            fmt::format("picture/{}.svg", number),
            fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{0}\"/>\n", number + 1));
        head += fmt::format("<link rel=\"stylesheet\" href=\"style/{0}.css\"><script src=\"script/{0}.js\"></script>\n",
                            number);
        body += fmt::format("<div id=\"box{0}\"></div><img id=\"picture{0}\" src=\"picture/{0}.svg\">\n", number);
    }
    files.write("index.html", R"(<!doctype html><html><head><title>Site</title><script>const ran = new Set();</script>
)" + head + R"(</head><body><p id="seen">nothing</p>
)" + body + R"(<script>
window.onload = () => {
    let styles = 0, pictures = 0;
    for (let number = 0; number < )" +
                                  std::to_string(of_each_kind) + R"(; ++number) {
        const box = document.getElementById('box' + number);
        const picture = document.getElementById('picture' + number);
        styles += getComputedStyle(box).width == number + 1 + 'px' ? 1 : 0;
        pictures += picture.complete && picture.naturalWidth == number + 1 ? 1 : 0;
    }
    document.getElementById('seen').textContent = `${styles} styles, ${ran.size} scripts, ${pictures} pictures`;
};
</script></body></html>
)");
}

constexpr std::size_t width = 640;
constexpr std::size_t height = 480;

/// Draws noise, which is large however it is packed, and shows the picture's bytes in base64.
constexpr std::string_view page_that_makes_a_picture = R"(<!doctype html><title>Picture</title><p id="made"></p><script>
const canvas = document.createElement('canvas');
canvas.width = 640;
canvas.height = 480;
const drawing = canvas.getContext('2d', {alpha: false});
const points = drawing.createImageData(640, 480);
let state = 1;
for (let at = 0; at < points.data.length; ++at) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    points.data[at] = at % 4 == 3 ? 255 : state >> 16;
}
drawing.putImageData(points, 0, 0);
document.getElementById('made').textContent = canvas.toDataURL('image/webp', 0.99);
</script>
)";

/// Goes to the last second of the film, and looks for its picture until it is there: Chromium tells of the place before it
/// has drawn it. The frame that is still being written keeps the page from being loaded, which Chromium waits for, until then.
constexpr std::string_view page_with_a_film = R"(<!doctype html><title>Film</title>
<video id="film" muted preload="auto" src="film.webm"></video><p id="seen">nothing</p><iframe id="unfinished"></iframe><script>
const film = document.getElementById('film');
const unfinished = document.getElementById('unfinished').contentDocument;
unfinished.open();
const say = (text) => {
    document.getElementById('seen').textContent = text;
    unfinished.close();
};
film.onerror = () => say('error: ' + film.error.message);
film.onloadedmetadata = () => { film.currentTime = film.duration - 0.5; };
film.onseeked = () => {
    const canvas = document.createElement('canvas');
    canvas.width = film.videoWidth;
    canvas.height = film.videoHeight;
    const drawing = canvas.getContext('2d');
    drawing.drawImage(film, 0, 0);
    const colours = new Set(drawing.getImageData(0, 0, 64, 64).data);
    if (colours.size > 50)
        say(`${film.duration} s of ${canvas.width} by ${canvas.height}, at ${film.currentTime} s a picture`);
    else
        requestAnimationFrame(film.onseeked);
};
</script>
)";

std::string decode_base64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    unsigned bits = 0;
    int count = 0;
    for (const char each : text) {
        const auto digit = digits.find(each);
        if (digit == std::string_view::npos) break;
        bits = bits << 6 | static_cast<unsigned>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<char>(bits >> count & 0xff));
    }
    return bytes;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// What the page says that it has seen.
std::string seen_by(const std::string& document) {
    const std::string before = "<p id=\"seen\">";
    const auto at = document.find(before);
    if (at == std::string::npos) return document;
    return document.substr(at + before.size(), document.find("</p>", at) - at - before.size());
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
    return found;
}

} // namespace

TEST_CASE("Chromium loads a site of two hundred small files, each as it is") {
    const std::string program = browser_or_skip();
    const temporary_folder files;
    write_site(files);
    const temporary_folder work;
    http_server server({"--root", files.path().string(), "--access-log", work / "log"});
    const auto dom = browse(program, work, {"--dump-dom", server.url()});
    INFO(dom.errors);
    REQUIRE(dom.code == 0);
    CHECK(seen_by(dom.output) == "67 styles, 67 scripts, 67 pictures");
    CHECK(server.end() == 0);
    CHECK(count(text_of(work / "log"), "\" 200 ") == 3 * of_each_kind + 1);
}

TEST_CASE("Chromium plays a film, of which it takes by ranges what it needs") {
    constexpr std::size_t seconds = 300;
    const std::string program = browser_or_skip();
    const temporary_folder files;
    files.write("picture.html", std::string(page_that_makes_a_picture));
    files.write("film.html", std::string(page_with_a_film));
    const temporary_folder work;
    http_server server({"--root", files.path().string(), "--access-log", work / "log"});
    const auto made = browse(program, work, {"--dump-dom", server.url() + "picture.html"});
    INFO(made.errors);
    REQUIRE(made.code == 0);
    const std::string before = "data:image/webp;base64,";
    const auto begin = made.output.find(before);
    REQUIRE(begin != std::string::npos);
    const std::string picture = decode_base64(std::string_view(made.output).substr(begin + before.size()));
    const std::string film = make_film(vp8_frame(picture), width, height, seconds);
    REQUIRE(film.size() > 10'000'000);
    files.write("film.webm", film);

    const auto dom = browse(program, work, {"--dump-dom", server.url() + "film.html"});
    INFO(dom.errors);
    REQUIRE(dom.code == 0);
    CHECK(seen_by(dom.output) == "300 s of 640 by 480, at 299.5 s a picture");
    CHECK(server.end() == 0);
    const std::string log = text_of(work / "log");
    CHECK(count(log, "\"GET /film.webm HTTP/1.1\" 206 ") >= 2);
}
