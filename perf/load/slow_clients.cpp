#include "slow_clients.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace load {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view beginning = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";
constexpr auto round_time = 1s; // in which each sends a byte
// Of a round: many at once would hold up the load, which has the same processor.
constexpr std::size_t parts = 5000;
constexpr auto opening_limit = 60s;

bool closed_by_server(int fd) noexcept {
    std::array<char, 1024> answer;
    return recv(fd, answer.data(), answer.size(), MSG_DONTWAIT) == 0;
}

} // namespace

slow_clients::slow_clients(std::uint16_t port, std::size_t count)
    : port_(port), clients_(count), thread_([this] { keep_going(); }) {}

slow_clients::~slow_clients() {
    ending_ = true;
    thread_.join();
    for (const client& each : clients_)
        if (each.fd >= 0) close(each.fd);
}

bool slow_clients::all_began() const {
    const auto end = std::chrono::steady_clock::now() + opening_limit;
    while (began_ < clients_.size() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(10ms);
    return began_ == clients_.size();
}

void slow_clients::keep_going() {
    const std::size_t share = std::max<std::size_t>(clients_.size() / parts, 1);
    const auto pause = round_time * (static_cast<double>(share) / static_cast<double>(clients_.size()));
    for (std::size_t next = 0; !ending_;) {
        for (std::size_t i = 0; i < share && !ending_; ++i) go_on(clients_[next++ % clients_.size()]);
        std::this_thread::sleep_for(pause);
    }
}

void slow_clients::go_on(client& which) noexcept {
    if (which.fd < 0) open(which);
    if (which.fd < 0) return;
    const std::string_view bytes = which.began ? "a" : beginning;
    const ssize_t sent = send(which.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 || (which.began && closed_by_server(which.fd))) {
        close(which.fd);
        which.fd = -1;
        return;
    }
    if (!which.began) began_ = std::min(began_ + 1, clients_.size());
    which.began = true;
}

/// The kernel answers for the server, so that this does not wait unless the server's backlog is full.
void slow_clients::open(client& which) noexcept {
    which = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), false};
    if (which.fd < 0) return;
    const timeval limit{1, 0};
    setsockopt(which.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(which.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
    close(which.fd);
    which.fd = -1;
}

} // namespace load
