#include "connection.hpp"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace load {

connection::connection(int epoll, std::uint16_t port, std::string_view echo, bool goes_on) noexcept
    : epoll_(epoll), port_(port), goes_on_(goes_on), reader_(echo) {}

connection::~connection() { close(); }

/// The connection may still be on its way: then sending is tried again when epoll says so.
bool connection::open() noexcept {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return false;
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) return false;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = this;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) == 0;
}

connection::state connection::ask(std::string_view requests, std::size_t count, time_point due) {
    due_ = due;
    unsent_ = requests;
    asked_ = outstanding_ = count;
    if (!is_open() && !open()) return fail();
    return send_rest() ? state::waiting : fail();
}

connection::state connection::advance() {
    if (!send_rest()) return fail();
    return receive();
}

bool connection::send_rest() noexcept {
    while (!unsent_.empty()) {
        const ssize_t size = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (size < 0) return errno == EAGAIN;
        bytes_sent += static_cast<std::uint64_t>(size);
        unsent_.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

connection::state connection::receive() {
    static std::array<char, 256 * 1024> buffer; // what one connection receives is done with before the next one's turn
    for (;;) {
        const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EAGAIN) return state::waiting;
        if (size <= 0) return fail();
        bytes_received += static_cast<std::uint64_t>(size);
        const int answered = reader_.read({buffer.data(), static_cast<std::size_t>(size)});
        if (answered == answer_reader::wrong || static_cast<std::size_t>(answered) > outstanding_) return fail();
        outstanding_ -= static_cast<std::size_t>(answered);
        if (answered > 0 && outstanding_ == 0) return state::done;
        if (static_cast<std::size_t>(size) < buffer.size()) return state::waiting;
    }
}

connection::state connection::fail() noexcept {
    close();
    return state::failed;
}

void connection::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    outstanding_ = 0;
    unsent_ = {};
    reader_.reset();
}

} // namespace load
