#include "output.hpp"

#include <cerrno>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/operation.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot_write(std::error_code error, const std::string& name) {
    fail(error, fmt::format("writing {}", name), exit_code::not_written,
         fmt::format("cannot write {}: {}", name, error.message()));
}

std::error_code last_error() { return {errno, std::system_category()}; }

/// Behind symbolic links: a link is to go on pointing to the file, not to be replaced by it.
fs::path follow(fs::path path) {
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

/// Through the ring: the open of a pipe waits until somebody reads from it.
tuyau::task<int> open_file(const fs::path& path, int flags, const std::string& name) {
    constexpr mode_t mode = 0666; // less the umask
    auto opened = co_await tuyau::operation(
        [&](io_uring_sqe& sqe) { io_uring_prep_openat(&sqe, AT_FDCWD, path.c_str(), flags | O_CLOEXEC, mode); });
    if (!opened) cannot_write(opened.error(), name);
    co_return *opened;
}

} // namespace

tuyau::task<output> output::open(std::string path) {
    if (path.empty() || path == "-") co_return output(STDOUT_FILENO, "to standard output");
    const fs::path target = follow(path);
    struct stat before{};
    const bool exists = ::stat(target.c_str(), &before) == 0;
    if (exists && !S_ISREG(before.st_mode)) {
        const int device = co_await open_file(target, O_WRONLY, path);
        co_return output(device, path);
    }
    if (exists && ::access(target.c_str(), W_OK) != 0) cannot_write(last_error(), path);
    const fs::path temporary = temporary_beside(target);
    const int fd = co_await open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, path);
    output file(fd, path);
    file.temporary_ = temporary;
    file.target_ = target;
    if (exists && ::fchmod(fd, before.st_mode & 07777) != 0) cannot_write(last_error(), path);
    co_return file;
}

output::output(output&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)), temporary_(std::exchange(other.temporary_, {})),
      target_(std::move(other.target_)) {}

output::~output() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

tuyau::task<> output::write(std::string_view bytes) {
    auto written = co_await tuyau::write_all(fd_, std::as_bytes(std::span(bytes)));
    if (!written) cannot_write(written.error(), name_);
}

void output::commit() {
    if (temporary_.empty()) return;
    // Some file systems tell only here that there was no room (close(2)).
    if (::close(std::exchange(fd_, -1)) != 0) cannot_write(last_error(), name_);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) cannot_write(last_error(), name_);
    temporary_.clear();
}

} // namespace uring_client
