#include "output.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
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

/// Whoever writes to FILE.part or puts another file in its place holds this, until the file is closed: false when somebody
/// else does. Not every file system has locks.
bool lock(int fd) noexcept { return ::flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; }

/// Whether `path` leads to the open file still.
bool is_at(int fd, const fs::path& path) noexcept {
    struct stat open {};
    struct stat named {};
    return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
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

tuyau::task<output> output::open(std::string path, terminal_use use) {
    if (path.empty() || path == "-") {
        output standard(STDOUT_FILENO, "to standard output");
        standard.is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
        if (standard.is_terminal_) standard.use_ = use;
        co_return standard;
    }
    const fs::path target = follow_links(path);
    struct stat before {};
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

tuyau::task<output> output::go_on(std::string path, remains origin) {
    const fs::path target = follow_links(path);
    const fs::path part = part_of(target);
    const int fd = co_await open_file(part, O_WRONLY | O_APPEND, part.string());
    output file(fd, path);
    const bool is_locked = lock(fd) && is_at(fd, part);
    auto still = co_await find_remains(target);
    if (!is_locked || still != origin)
        throw failure(exit_code::not_written,
                      fmt::format("cannot write {}: somebody else is going on with it at this time", part.string()));
    file.temporary_ = part;
    file.target_ = target;
    file.is_part_ = true;
    struct stat status {};
    if (::fstat(fd, &status) != 0) cannot_write(last_error(), path);
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    co_return file;
}

output::output(output&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)), temporary_(std::exchange(other.temporary_, {})),
      target_(std::move(other.target_)), size_(other.size_), is_part_(std::exchange(other.is_part_, false)),
      is_terminal_(other.is_terminal_), use_(other.use_), shown_(std::move(other.shown_)) {}

output::~output() {
    if (!temporary_.empty() && is_in_place()) {
        ::unlink(temporary_.c_str());
        if (is_part_) forget_remains(target_);
    }
    if (fd_ > STDERR_FILENO) ::close(fd_);
}

/// Whether the temporary file is what its name leads to: others know that of FILE.part.
bool output::is_in_place() const noexcept { return !is_part_ || is_at(fd_, temporary_); }

tuyau::task<> output::write(std::string_view bytes) {
    if (is_terminal_ && use_ == terminal_use::text && bytes.find('\0') != std::string_view::npos)
        throw failure(exit_code::not_written, "the body is binary, which does not belong on a terminal (-o FILE or -O "
                                              "writes a file, -o - shows it all the same)");
    size_ += bytes.size();
    if (is_terminal_ && use_ != terminal_use::raw)
        co_await show(bytes);
    else
        co_await write_as_it_is(bytes);
}

tuyau::task<> output::write_head(std::string_view lines) {
    if (lines.empty()) co_return;
    size_ += lines.size();
    if (is_terminal_ && use_ != terminal_use::raw)
        co_await show(lines);
    else
        co_await write_as_it_is(lines);
}

tuyau::task<> output::show(std::string_view bytes) {
    const std::string text = shown_.show(bytes);
    co_await write_as_it_is(text);
}

tuyau::task<> output::finish() {
    const std::string text = shown_.finish();
    co_await write_as_it_is(text);
}

tuyau::task<> output::write_as_it_is(std::string_view bytes) {
    auto written = co_await tuyau::write_all(fd_, std::as_bytes(std::span(bytes)));
    if (written) co_return;
    struct stat status {};
    // Another attempt goes on behind what was written of it.
    if (is_file() && ::fstat(fd_, &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
    cannot_write(written.error(), name_);
}

bool output::restart() {
    if (size_ == 0) return true;
    if (!is_file()) return false;
    cut_back_to(0);
    return true;
}

void output::cut_back_to(std::uint64_t size) {
    const auto end = static_cast<off_t>(size);
    if (::ftruncate(fd_, end) != 0 || ::lseek(fd_, end, SEEK_SET) != end) cannot_write(last_error(), name_);
    size_ = size;
}

void output::commit() {
    if (temporary_.empty()) return;
    if (!is_in_place())
        throw failure(exit_code::not_written,
                      fmt::format("cannot write {}: somebody else has put another file in the place of {}", name_,
                                  temporary_.string()));
    const int lock_holder = is_part_ ? ::fcntl(fd_, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    if (is_part_ && lock_holder < 0) cannot_write(last_error(), name_);
    // Some file systems tell only here that there was no room (close(2)).
    if (::close(std::exchange(fd_, lock_holder)) != 0) cannot_write(last_error(), name_);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) cannot_write(last_error(), name_);
    if (std::exchange(is_part_, false)) forget_remains(target_);
    temporary_.clear();
}

bool output::keep(const remains& origin) noexcept {
    if (temporary_.empty() || size_ == 0) return true;
    if (!is_part_ && !become_part()) return false; // it is removed, as it would be else
    const bool is_kept = is_in_place();
    if (is_kept) note_remains(target_, origin);
    temporary_.clear();
    is_part_ = false;
    return is_kept;
}

/// Takes the place of the FILE.part that is there, or of one made to be locked, unless somebody else goes on with that.
bool output::become_part() noexcept {
    const fs::path part = part_of(target_);
    const int before = ::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (before < 0) return false;
    if (lock(before) && is_at(before, part) && lock(fd_)) {
        forget_remains(target_); // those of the one that goes
        is_part_ = ::rename(temporary_.c_str(), part.c_str()) == 0;
        if (is_part_) temporary_ = part;
    }
    ::close(before);
    return is_part_;
}

} // namespace uring_client
