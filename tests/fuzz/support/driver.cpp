// Runs inputs that are kept, one by one, where libFuzzer's own driver is not: fuzz-TARGET FILE|FOLDER...

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argument_count, char** arguments) {
    namespace files = std::filesystem;
    std::vector<files::path> inputs;
    for (int i = 1; i < argument_count; ++i) {
        if (files::is_directory(arguments[i]))
            std::copy(files::directory_iterator(arguments[i]), {}, std::back_inserter(inputs));
        else
            inputs.emplace_back(arguments[i]);
    }
    std::sort(inputs.begin(), inputs.end());
    for (const files::path& each : inputs) {
        std::fprintf(stderr, "%s\n", each.c_str());
        std::ifstream file(each, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        if (!file) {
            std::fprintf(stderr, "it cannot be read\n");
            return 1;
        }
        // Of the exact size, so that the address sanitizer sees a read past its end.
        const auto exact = std::make_unique<std::uint8_t[]>(text.size());
        std::copy(text.begin(), text.end(), exact.get());
        LLVMFuzzerTestOneInput(exact.get(), text.size());
    }
    if (inputs.empty()) std::fprintf(stderr, "there is no input\n");
    return inputs.empty() ? 1 : 0;
}
