// A folder opens the files in it and nothing beside it, however a path is spelled and wherever its symbolic links lead.
//
// Makes a folder with a few things in it, then prints what is there, and what each path leads to.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/run.hpp>

using namespace tuyau;

namespace {

/// The beginning of a file: enough for this.
task<result<std::string>> text_of(const folder& root, std::string path) {
    auto opened = co_await root.open_file(std::move(path));
    if (!opened) co_return failure(opened.error());
    std::array<std::byte, 100> space;
    auto size = co_await opened->read_at(0, space);
    if (!size) co_return failure(size.error());
    co_return std::string(reinterpret_cast<const char*>(space.data()), static_cast<std::size_t>(*size));
}

task<> show(std::string place) {
    const folder root = (co_await folder::open(place + "/root")).value();
    auto entries = (co_await root.list(".", 100)).value();
    std::sort(entries.begin(), entries.end(), [](const auto& one, const auto& other) { return one.name < other.name; });
    for (const folder_entry& each : entries)
        fmt::print("{}{}\n", each.name, each.kind == file_kind::folder ? "/" : "");
    for (const char* path : {"notes", "archive/../notes", "archive/none", "../secret", "link"}) {
        auto text = co_await text_of(root, path);
        fmt::print("{}: {}\n", path, text ? *text : text.error().message());
    }
}

} // namespace

int main() {
    std::string place = std::filesystem::temp_directory_path() / "tuyau-XXXXXX";
    if (::mkdtemp(place.data()) == nullptr) return 1;
    std::filesystem::create_directories(place + "/root/archive");
    std::ofstream(place + "/root/notes") << "buy milk";
    std::ofstream(place + "/secret") << "nobody shall read this";
    std::filesystem::create_symlink("../secret", place + "/root/link");
    const int code = tuyau::run(show(place));
    std::filesystem::remove_all(place);
    return code;
}
