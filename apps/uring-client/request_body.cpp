#include "request_body.hpp"

#include <cstddef>
#include <fcntl.h>
#include <span>
#include <unistd.h>

#include <fmt/format.h>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/operation.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

/// A descriptor that is closed in the end, unless it is standard input.
class input {
public:
    explicit input(int fd) noexcept : fd_(fd) {}
    input(const input&) = delete;
    input& operator=(const input&) = delete;
    ~input() {
        if (fd_ != STDIN_FILENO) ::close(fd_);
    }
    int fd() const noexcept { return fd_; }

private:
    int fd_;
};

[[noreturn]] void cannot_read(std::error_code error, const std::string& name) {
    fail(error, fmt::format("reading {}", name), exit_code::not_read,
         fmt::format("cannot read {}: {}", name, error.message()));
}

tuyau::task<int> open_file(const std::string& path) {
    if (path == "-") co_return STDIN_FILENO;
    auto opened = co_await tuyau::operation(
        [&](io_uring_sqe& sqe) { io_uring_prep_openat(&sqe, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC, 0); });
    if (!opened) cannot_read(opened.error(), path);
    co_return *opened;
}

tuyau::task<std::string> read_file(std::string path) {
    const std::string name = path == "-" ? "standard input" : path;
    const int fd = co_await open_file(path);
    const input file(fd);
    std::string text;
    std::vector<std::byte> space(65536);
    for (;;) {
        auto size = co_await tuyau::read_some(file.fd(), space);
        if (!size) cannot_read(size.error(), name);
        if (*size == 0) break;
        text.append(reinterpret_cast<const char*>(space.data()), static_cast<std::size_t>(*size));
    }
    std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    co_return text;
}

} // namespace

tuyau::task<std::optional<std::string>> read_body(std::vector<std::string> data) {
    if (data.empty()) co_return std::nullopt;
    std::string body;
    for (std::size_t i = 0; i < data.size(); ++i) {
        if (i != 0) body += '&';
        if (data[i].starts_with('@')) {
            const std::string text = co_await read_file(data[i].substr(1));
            body += text;
        } else {
            body += data[i];
        }
    }
    co_return body;
}

} // namespace uring_client
