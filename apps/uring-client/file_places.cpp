#include "file_places.hpp"

#include <fcntl.h>
#include <random>
#include <unistd.h>

#include <fmt/format.h>

#include "failure.hpp"
#include "input_file.hpp"

namespace uring_client {
namespace {

namespace fs = std::filesystem;

fs::path note_of(const fs::path& target) { return part_of(target) += ".from"; }

} // namespace

fs::path follow_links(fs::path path) {
    constexpr int most_links = 40; // path_resolution(7)
    std::error_code error;
    for (int i = 0; i < most_links && fs::is_symlink(fs::symlink_status(path, error)); ++i)
        path = path.parent_path() / fs::read_symlink(path, error);
    return path;
}

fs::path temporary_beside(const fs::path& target) {
    constexpr std::size_t longest = 200; // of the 255 bytes that a file name may have
    const std::string name = target.filename().string().substr(0, longest);
    std::random_device random;
    return target.parent_path() / fmt::format("{}.{:08x}.part", name, random());
}

fs::path part_of(const fs::path& target) { return fs::path(target) += ".part"; }

tuyau::task<std::optional<remains>> find_remains(fs::path target) {
    std::error_code error;
    if (!fs::is_regular_file(part_of(target), error) || !fs::is_regular_file(note_of(target), error))
        co_return std::nullopt;
    const std::string note = co_await read_whole(note_of(target).string());
    const auto first = note.find('\n');
    const auto second = first == std::string::npos ? first : note.find('\n', first + 1);
    if (second == std::string::npos || second == first + 1) co_return std::nullopt;
    co_return remains{note.substr(0, first), note.substr(first + 1, second - first - 1)};
}

void note_remains(const fs::path& target, const remains& left) noexcept {
    try {
        const std::string note = fmt::format("{}\n{}\n", left.url, left.validator);
        const int fd = ::open(note_of(target).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd < 0) return;
        const bool whole = ::write(fd, note.data(), note.size()) == static_cast<ssize_t>(note.size());
        ::close(fd);
        if (!whole) forget_remains(target);
    } catch (const std::exception&) {
        forget_remains(target);
    }
}

void forget_remains(const fs::path& target) noexcept {
    try {
        ::unlink(note_of(target).c_str());
    } catch (const std::exception&) { // no memory for a name: what is left will be asked for with a condition
    }
}

} // namespace uring_client
