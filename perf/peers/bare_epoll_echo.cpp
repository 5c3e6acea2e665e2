// The least that an echo server on epoll can do: one buffer for all, and only what a socket does not take is kept.
//
//     bare_epoll_echo      prints the port that it listens on

#include <array>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket.hpp"

namespace {

std::array<char, 64 * 1024> buffer;
std::deque<std::string> unsent; // by descriptor; nothing is received until it is gone

void watch(int epoll, int operation, int fd, unsigned events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll, operation, fd, &event);
}

void accept_all(int epoll, int listener) {
    for (;;) {
        const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        while (unsent.size() <= static_cast<std::size_t>(fd)) unsent.emplace_back();
        watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

/// What the socket did not take. A connection that is broken is left to recv to find.
std::string_view send_some(int fd, std::string_view bytes) {
    const ssize_t size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN ? bytes : std::string_view();
    return bytes.substr(static_cast<std::size_t>(size));
}

void echo(int epoll, int fd) {
    const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
        close(fd);
        return;
    }
    const std::string_view rest = send_some(fd, {buffer.data(), static_cast<std::size_t>(size)});
    if (rest.empty()) return;
    unsent[static_cast<std::size_t>(fd)] = rest;
    watch(epoll, EPOLL_CTL_MOD, fd, EPOLLOUT);
}

void send_rest(int epoll, int fd) {
    std::string& kept = unsent[static_cast<std::size_t>(fd)];
    kept.erase(0, kept.size() - send_some(fd, kept).size());
    if (kept.empty()) watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN);
}

} // namespace

int main() {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    peer::require(epoll >= 0, "epoll");
    const int listener = peer::listen_on_loopback(false);
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
    std::array<epoll_event, 512> events;
    for (;;) {
        const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener)
                accept_all(epoll, listener);
            else if (unsent[static_cast<std::size_t>(fd)].empty())
                echo(epoll, fd);
            else
                send_rest(epoll, fd);
        }
    }
}
