// The line that tells how far a transfer of uring-client is, at every width that a terminal may have.

#include <algorithm>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "../../apps/uring-client/meter.hpp"

using uring_client::meter_line;

TEST_CASE("the line of a transfer is whole wherever it fits, and never reaches the last column") {
    const std::string figures = "1.9 MiB of 3.8 MiB  976.6 KiB/s  00:02 left";
    const auto line = [](unsigned width) { return meter_line("file", 2'000'000, 4'000'000, 1'000'000, width); };
    std::size_t widest = 0;
    for (unsigned width = 2; width <= 200; ++width) {
        INFO(width);
        const std::string drawn = line(width);
        INFO(drawn);
        CHECK(drawn.size() < width);
        CHECK(drawn.size() >= std::min<std::size_t>(width - 1, widest)); // more room shows no less
        widest = std::max(widest, drawn.size());
        if (width > std::string("file  ").size() + figures.size()) CHECK(drawn.ends_with(figures));
        if (drawn.find('[') == std::string::npos) continue;
        const auto bar = drawn.find(']') - drawn.find('[') - 1;
        CHECK(static_cast<std::size_t>(std::count(drawn.begin(), drawn.end(), '=')) == bar / 2);
    }
    CHECK(line(80) == "file  [=============             ]  " + figures);
}

TEST_CASE("the line of a transfer tells what is known of it, and no more") {
    CHECK(meter_line("file", 500, {}, 100, 80) == "file  500 B  100 B/s");
    CHECK(meter_line("file", 500, 1000, 0, 30) == "file  500 B of 1.0 KiB  0 B/s");
    CHECK(meter_line("file", 500, 400, 100, 80).ends_with("500 B of 400 B  100 B/s"));
    CHECK(meter_line("file", 0, 1'000'000'000'000'000, 1, 100).ends_with("--:-- left"));
    CHECK(meter_line("a name that is longer than there is room for it", 1, {}, 1, 80) ==
          "a name that is longer th  1 B  1 B/s");
}
