#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <tuyau/runtime/task.hpp>

#include "file_places.hpp"
#include "terminal_text.hpp"

namespace uring_client {

/// What a terminal is shown.
enum class terminal_use {
    text,   ///< control characters escaped, and no binary
    binary, ///< the same, and binary too
    raw,    ///< what comes
};

/// Where a response goes: standard output, or a file that comes into being whole or not at all.
///
/// A file is written under another name beside its own, and renamed by `commit`; destroyed before that, it is removed,
/// and what was there before stays. `keep` leaves what has come as FILE.part, which is locked (flock(2)) by whoever writes to
/// it. A device or a pipe is written to directly. Throws failures.
class output {
public:
    /// `path` empty or "-": standard output.
    static tuyau::task<output> open(std::string path, terminal_use use);

    /// Goes on with what a transfer has left of `path`: `origin`, as `find_remains` has told.
    static tuyau::task<output> go_on(std::string path, remains origin);

    output(output&& other) noexcept;
    output& operator=(output&&) = delete;
    ~output();

    bool is_file() const noexcept { return !temporary_.empty(); }
    bool is_terminal() const noexcept { return is_terminal_; }
    const std::string& name() const noexcept { return name_; }

    /// Bytes that are there.
    std::uint64_t size() const noexcept { return size_; }

    tuyau::task<> write(std::string_view bytes);

    /// The same for what is text in any case.
    tuyau::task<> write_head(std::string_view lines);

    /// Nothing more comes: what was held back, since it might have gone on, is shown.
    tuyau::task<> finish();

    /// Forgets what was written; false when that has gone out already.
    bool restart();

    /// Forgets what a file has beyond `size` bytes.
    void cut_back_to(std::uint64_t size);

    void commit();

    /// A file stays as FILE.part, so that another run may go on with it. False when it cannot: somebody else is writing to
    /// that, or nobody may.
    bool keep(const remains& origin) noexcept;

private:
    output(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
    tuyau::task<> write_as_it_is(std::string_view bytes);
    tuyau::task<> show(std::string_view bytes);
    bool is_in_place() const noexcept;
    bool become_part() noexcept;

    int fd_;
    std::string name_;                ///< for people
    std::filesystem::path temporary_; ///< none: written to directly
    std::filesystem::path target_;
    std::uint64_t size_ = 0;
    bool is_part_ = false; ///< the temporary file is FILE.part
    bool is_terminal_ = false;
    terminal_use use_ = terminal_use::raw;
    terminal_text shown_;
};

} // namespace uring_client
