// read_some and write_all read and write files, pipes and terminals without blocking the loop. The descriptor is borrowed,
// and so are the bytes.
//
// Writes a thousand lines to a temporary file, then prints how many it counts there, and how many bytes.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>

#include <unistd.h>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/run.hpp>

using namespace tuyau;

namespace {

struct counts {
    long lines = 0;
    std::size_t bytes = 0;
};

task<counts> count(int fd) {
    counts found;
    std::array<std::byte, 4096> space;
    while (const int size = (co_await read_some(fd, space)).value()) {
        const auto read = std::span(space).first(static_cast<std::size_t>(size));
        found.lines += std::count(read.begin(), read.end(), std::byte('\n'));
        found.bytes += read.size();
    }
    co_return found;
}

task<> show() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> temporary(std::tmpfile(), &std::fclose);
    const int fd = ::fileno(temporary.get());

    std::string text;
    for (int number = 1; number <= 1000; ++number) text += fmt::format("line {}\n", number);
    (co_await write_all(fd, text)).value();

    ::lseek(fd, 0, SEEK_SET);
    const counts found = co_await count(fd);
    fmt::print("{} lines, {} bytes\n", found.lines, found.bytes);
}

} // namespace

int main() { return tuyau::run(show()); }
