#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "answer.hpp"

namespace load {

using time_point = std::chrono::steady_clock::time_point;

/// A socket to the server and what is under way on it: some requests sent together, whose answers are awaited.
///
/// Never blocks. Its descriptor is watched by `epoll`, edge-triggered, with the connection's address as data: whoever
/// waits there calls `advance`.
class connection {
public:
    enum class state {
        waiting, ///< for the server
        done,    ///< all answers are there
        failed,  ///< and closed: broken off, or the answer was wrong
    };

    /// `echo`: what comes back, empty for HTTP. `goes_on`: whether it is to ask again.
    connection(int epoll, std::uint16_t port, std::string_view echo, bool goes_on) noexcept;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    /// Sends `count` requests, whose bytes are `requests`, which must stay; opens the socket if it is not open.
    state ask(std::string_view requests, std::size_t count, time_point due);

    /// Sends and receives what it can.
    state advance();

    void close() noexcept;

    bool is_open() const noexcept { return fd_ >= 0; }
    bool goes_on() const noexcept { return goes_on_; }
    bool is_busy() const noexcept { return outstanding_ > 0; }
    time_point due() const noexcept { return due_; }
    std::size_t asked() const noexcept { return asked_; }

    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;

private:
    bool open() noexcept;
    bool send_rest() noexcept;
    state receive();
    state fail() noexcept;

    int epoll_;
    std::uint16_t port_;
    bool goes_on_;
    int fd_ = -1;
    answer_reader reader_;
    std::string_view unsent_;
    std::size_t asked_ = 0;
    std::size_t outstanding_ = 0;
    time_point due_;
};

} // namespace load
