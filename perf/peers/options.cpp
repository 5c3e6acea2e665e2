#include "options.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

namespace peer {
namespace {

unsigned positive(const char* text) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(text, &end, 10);
    return *end == '\0' && value <= 1'000'000 ? static_cast<unsigned>(value) : 0;
}

bool read(int argc, char** argv, bool takes_wait, options& out) {
    if (argc < 2) return false;
    std::ifstream file(argv[1], std::ios::binary);
    out.response.assign(std::istreambuf_iterator<char>(file), {});
    for (int i = 2; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--parse") {
            out.parse = true;
        } else if (takes_wait && name == "--wait" && i + 2 < argc) {
            out.wait_count = positive(argv[++i]);
            out.wait_time = positive(argv[++i]);
            if (out.wait_count == 0 || out.wait_time == 0) return false;
        } else {
            return false;
        }
    }
    return !out.response.empty();
}

} // namespace

options read_options(int argc, char** argv, bool takes_wait) {
    options chosen;
    if (read(argc, argv, takes_wait, chosen)) return chosen;
    std::fprintf(stderr, "usage: %s RESPONSE_FILE [--parse]%s\n", argv[0],
                 takes_wait ? " [--wait COUNT MICROSECONDS]" : "");
    std::exit(2);
}

} // namespace peer
