#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tuyau/net/http/client/body_source.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace uring_client {

/// A file that is read; "-" is standard input. Move-only.
class input_file {
public:
    input_file(int fd, std::string name);
    input_file(input_file&& other) noexcept;
    input_file& operator=(input_file&&) = delete;
    ~input_file();

    /// Bytes, if it is a regular file.
    std::optional<std::uint64_t> size() const noexcept { return size_; }
    const std::string& name() const noexcept { return name_; }

    /// The next bytes: how many; 0 at the end.
    tuyau::task<tuyau::result<std::size_t>> read(std::span<std::byte> space);

    /// Begins anew; false when it cannot.
    bool rewind() noexcept;

private:
    int fd_;
    std::string name_; // for people
    std::optional<std::uint64_t> size_;
    std::uint64_t position_ = 0; // in a regular file
};

/// Throws the failure that says why it cannot be read.
tuyau::task<input_file> open_input(std::string path);

/// All of it. Throws failures.
tuyau::task<std::string> read_whole(std::string path);

/// A body of texts and files, one after another.
class composed_body final : public tuyau::http::body_source {
public:
    void add(std::string text) { pieces_.emplace_back(std::move(text)); }
    void add(input_file file) { pieces_.emplace_back(std::move(file)); }

    std::optional<std::uint64_t> size() const noexcept override;
    tuyau::task<tuyau::result<std::string_view>> read() override;
    tuyau::task<tuyau::result<bool>> rewind() override;

private:
    std::vector<std::variant<std::string, input_file>> pieces_;
    std::size_t next_ = 0;
    bool was_read_ = false;
    std::vector<std::byte> space_;
};

} // namespace uring_client
