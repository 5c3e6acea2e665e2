#include "input_file.hpp"

#include <algorithm>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/operation.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

constexpr std::size_t space_size = 131072;

[[noreturn]] void cannot_read(std::error_code error, const std::string& name) {
    fail(error, fmt::format("reading {}", name), exit_code::not_read,
         fmt::format("cannot read {}: {}", name, error.message()));
}

} // namespace

input_file::input_file(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
    struct stat status {};
    if (fd_ != STDIN_FILENO && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode))
        size_ = static_cast<std::uint64_t>(status.st_size);
}

input_file::input_file(input_file&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)), size_(other.size_), was_read_(other.was_read_) {
}

input_file::~input_file() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
}

tuyau::task<tuyau::result<std::size_t>> input_file::read(std::uint64_t position, std::span<std::byte> space) {
    was_read_ = true;
    if (!size_) {
        auto got = co_await tuyau::read_some(fd_, space);
        if (!got) co_return tuyau::failure(got.error());
        co_return static_cast<std::size_t>(*got);
    }
    // Not beyond the size that was told: what is added meanwhile is not part of it.
    space = space.first(std::min<std::uint64_t>(space.size(), *size_ - std::min(position, *size_)));
    if (space.empty()) co_return std::size_t{0};
    auto got = co_await tuyau::detail::read_at(fd_, position, space);
    if (!got) co_return tuyau::failure(got.error());
    co_return static_cast<std::size_t>(*got);
}

tuyau::task<input_file> open_input(std::string path) {
    if (path == "-") co_return input_file(STDIN_FILENO, "standard input");
    auto opened = co_await tuyau::operation(
        [&](io_uring_sqe& sqe) { io_uring_prep_openat(&sqe, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC, 0); });
    if (!opened) cannot_read(opened.error(), path);
    co_return input_file(*opened, path);
}

tuyau::task<std::string> read_whole(std::string path) {
    input_file file = co_await open_input(std::move(path));
    std::string text;
    std::vector<std::byte> space(65536);
    for (;;) {
        auto size = co_await file.read(text.size(), space);
        if (!size) cannot_read(size.error(), file.name());
        if (*size == 0) break;
        text.append(reinterpret_cast<const char*>(space.data()), *size);
    }
    co_return text;
}

std::optional<std::uint64_t> composition::size() const noexcept {
    std::uint64_t size = 0;
    for (const auto& each : pieces_) {
        if (const auto* text = std::get_if<std::string>(&each)) {
            size += text->size();
            continue;
        }
        const auto of_file = std::get<input_file>(each).size();
        if (!of_file) return std::nullopt;
        size += *of_file;
    }
    return size;
}

bool composition::is_spent() const noexcept {
    return std::any_of(pieces_.begin(), pieces_.end(), [](const piece& each) {
        const auto* file = std::get_if<input_file>(&each);
        return file != nullptr && file->is_spent();
    });
}

tuyau::task<tuyau::result<std::string_view>> composed_body::read() {
    const auto pieces = of_->pieces();
    for (; next_ < pieces.size(); ++next_, position_ = 0) {
        if (const auto* text = std::get_if<std::string>(&pieces[next_])) {
            if (text->empty()) continue;
            ++next_;
            co_return std::string_view(*text);
        }
        if (space_.empty()) space_.resize(space_size);
        auto& file = std::get<input_file>(pieces[next_]);
        auto size = co_await file.read(position_, space_);
        if (!size) co_return tuyau::failure(size.error());
        position_ += *size;
        if (*size != 0) co_return std::string_view(reinterpret_cast<const char*>(space_.data()), *size);
    }
    co_return std::string_view();
}

tuyau::task<tuyau::result<bool>> composed_body::rewind() {
    if (of_->is_spent()) co_return false;
    next_ = 0;
    position_ = 0;
    co_return true;
}

} // namespace uring_client
