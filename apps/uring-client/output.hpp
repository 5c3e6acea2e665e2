#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <tuyau/runtime/task.hpp>

namespace uring_client {

/// Where a response goes: standard output, or a file that comes into being whole or not at all.
///
/// A file is written under another name beside its own, and renamed by `commit`; destroyed before that, it is removed,
/// and what was there before stays. A device or a pipe is written to directly. Throws failures.
class output {
public:
    /// `path` empty or "-": standard output.
    static tuyau::task<output> open(std::string path);

    output(output&& other) noexcept;
    output& operator=(output&&) = delete;
    ~output();

    tuyau::task<> write(std::string_view bytes);
    void commit();

private:
    output(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

    int fd_;
    std::string name_;                ///< for people
    std::filesystem::path temporary_; ///< none: written to directly
    std::filesystem::path target_;
};

} // namespace uring_client
