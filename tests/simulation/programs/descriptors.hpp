#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <tuyau/runtime/system.hpp>

#include "../kernel/files.hpp"
#include "../kernel/kernel.hpp"

namespace simulation::programs {

/// A descriptor that is closed at the end.
class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    ~descriptor() { close(); }

    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept {
        if (const int fd = release(); fd >= 0) tuyau::system::close(fd);
    }

private:
    int fd_;
};

/// A pipe, both of whose ends are the program's.
class pipe_ends {
public:
    pipe_ends(kernel& here, std::size_t room) : pipe_ends(here, std::make_shared<pipe_buffer>(), room) {}

    int read_end() const noexcept { return read_.get(); }
    int write_end() const noexcept { return write_.get(); }
    void close_write_end() noexcept { write_.close(); }

private:
    pipe_ends(kernel& here, std::shared_ptr<pipe_buffer> shared, std::size_t room)
        : read_(open<pipe_reader>(here, shared)), write_(open<pipe_writer>(here, shared)) {
        shared->room = room;
    }

    template <class End>
    static int open(kernel& here, const std::shared_ptr<pipe_buffer>& shared) {
        const auto in = here.enter();
        return here.open(std::make_shared<End>(here, shared));
    }

    descriptor read_;
    descriptor write_;
};

} // namespace simulation::programs
