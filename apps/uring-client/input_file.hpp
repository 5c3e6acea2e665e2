#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

    /// The bytes from `position` on, of a regular file; any other gives what comes next. How many; 0 at the end.
    tuyau::task<tuyau::result<std::size_t>> read(std::uint64_t position, std::span<std::byte> space);

    /// Whether it was read, and cannot be read again: it is no regular file.
    bool is_spent() const noexcept { return was_read_ && !size_; }

private:
    int fd_;
    std::string name_; // for people
    std::optional<std::uint64_t> size_;
    bool was_read_ = false;
};

/// Throws the failure that says why it cannot be read.
tuyau::task<input_file> open_input(std::string path);

/// All of it. Throws failures.
tuyau::task<std::string> read_whole(std::string path);

/// Texts and files, one after another, of which bodies are made.
class composition {
public:
    using piece = std::variant<std::string, input_file>;

    void add(std::string text) { pieces_.emplace_back(std::move(text)); }
    void add(input_file file) { pieces_.emplace_back(std::move(file)); }

    std::span<piece> pieces() noexcept { return pieces_; }

    /// Bytes, if all its files are regular ones: then it can be read more than once, and by several at a time.
    std::optional<std::uint64_t> size() const noexcept;

    /// Whether one of its files is (see there).
    bool is_spent() const noexcept;

private:
    std::vector<piece> pieces_;
};

/// One reading of a composition, with a place of its own in it.
class composed_body final : public tuyau::http::body_source {
public:
    explicit composed_body(std::shared_ptr<composition> of) noexcept : of_(std::move(of)) {}

    std::optional<std::uint64_t> size() const noexcept override { return of_->size(); }
    tuyau::task<tuyau::result<std::string_view>> read() override;
    tuyau::task<tuyau::result<bool>> rewind() override;

private:
    std::shared_ptr<composition> of_;
    std::size_t next_ = 0;       // piece
    std::uint64_t position_ = 0; // in that, if it is a file
    std::vector<std::byte> space_;
};

} // namespace uring_client
