#pragma once

#include <memory>
#include <set>
#include <string>

#include "file.hpp"

namespace simulation {

/// eventfd(2).
class event_file final : public file {
public:
    using file::file;
    outcome read(char* to, std::size_t size) override;
    outcome write(const char* from, std::size_t size) override;
    short readiness() const override;

private:
    std::uint64_t count_ = 0;
};

/// signalfd(2).
class signal_file final : public file {
public:
    signal_file(kernel& owner, std::uint64_t signals) noexcept : file(owner), signals_(signals) {}
    outcome read(char* to, std::size_t size) override;
    short readiness() const override;

    /// Whether it is one of those that are received here; it then waits to be read.
    bool receive(int number);

private:
    std::uint64_t signals_;
    std::set<int> received_; // each once, and the lowest number first: signal(7)
};

/// pipe(2): what both ends share, and the ends. Also what a program has for its standard input and output.
struct pipe_buffer {
    byte_queue bytes;
    std::size_t room = 65536; // pipe(7)
    bool readable = true;     // somebody has the other end
    bool writable = true;
    file* reader = nullptr;
    file* writer = nullptr;
};

class pipe_reader final : public file {
public:
    pipe_reader(kernel& owner, std::shared_ptr<pipe_buffer> shared);
    ~pipe_reader() override;
    outcome read(char* to, std::size_t size) override;
    std::size_t readable() const override { return shared_->bytes.size(); }
    short readiness() const override;
    void released() override;

private:
    std::shared_ptr<pipe_buffer> shared_;
};

class pipe_writer final : public file {
public:
    pipe_writer(kernel& owner, std::shared_ptr<pipe_buffer> shared);
    ~pipe_writer() override;
    outcome write(const char* from, std::size_t size) override;
    std::size_t writable() const override;
    short readiness() const override;
    void released() override;

private:
    std::shared_ptr<pipe_buffer> shared_;
};

/// A folder: what files are found from.
class folder_file final : public file {
public:
    folder_file(kernel& owner, std::string path) noexcept : file(owner), path_(std::move(path)) {}
    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

/// A regular file, kept in memory under its path.
class regular_file final : public file {
public:
    /// `flags` as for open(2).
    regular_file(kernel& owner, std::shared_ptr<std::string> content, int flags) noexcept
        : file(owner), content_(std::move(content)), flags_(flags) {}
    outcome read(char* to, std::size_t size) override;
    outcome write(const char* from, std::size_t size) override;
    short readiness() const override;

    std::size_t readable() const override { return content_->size() - std::min(position_, content_->size()); }
    std::size_t writable() const override { return ~std::size_t{0}; }

    const std::string& content() const noexcept { return *content_; }
    std::size_t size() const noexcept { return content_->size(); }
    void move_to(std::size_t position) noexcept { position_ = position; }
    std::size_t position() const noexcept { return position_; }

private:
    std::shared_ptr<std::string> content_;
    int flags_;
    std::size_t position_ = 0;
};

} // namespace simulation
