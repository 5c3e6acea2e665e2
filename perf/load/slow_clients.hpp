#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace load {

/// Connections that begin a request and send another byte of its header section each second, which never ends. One that
/// the server closes is opened again. A thread of their own keeps them going until they are destroyed.
class slow_clients {
public:
    slow_clients(std::uint16_t port, std::size_t count);
    ~slow_clients();
    slow_clients(const slow_clients&) = delete;
    slow_clients& operator=(const slow_clients&) = delete;

    /// Returns when each has sent its first bytes; false if not all could connect in a minute.
    bool all_began() const;

private:
    struct client {
        int fd = -1;
        bool began = false;
    };

    void keep_going();
    void go_on(client& which) noexcept;
    void open(client& which) noexcept;

    const std::uint16_t port_;
    std::vector<client> clients_;
    std::atomic<std::size_t> began_ = 0; // first bytes sent, by each once
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

} // namespace load
