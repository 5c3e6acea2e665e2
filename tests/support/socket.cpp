#include "socket.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "process.hpp"

namespace tests {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

constexpr int patience_in_milliseconds = static_cast<int>(std::chrono::milliseconds(patience).count());

sockaddr_storage to_native(const std::string& address, std::uint16_t port, socklen_t& size) {
    sockaddr_storage native{};
    auto& v4 = reinterpret_cast<sockaddr_in&>(native);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(native);
    if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        size = sizeof v4;
    } else if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        size = sizeof v6;
    } else {
        throw std::runtime_error("not an address: " + address);
    }
    return native;
}

std::uint16_t port_of(int fd) {
    sockaddr_storage native{};
    socklen_t size = sizeof native;
    getsockname(fd, reinterpret_cast<sockaddr*>(&native), &size);
    return ntohs(native.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(native).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(native).sin_port);
}

} // namespace

socket_client::socket_client(const std::string& address, std::uint16_t port) {
    socklen_t size = 0;
    const sockaddr_storage native = to_native(address, port, size);
    fd_ = ::socket(native.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) fail("no socket");
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&native), size) != 0) {
        const int error = errno;
        ::close(fd_);
        errno = error;
        fail("cannot connect to port " + std::to_string(port));
    }
}

socket_client::~socket_client() {
    if (fd_ >= 0) ::close(fd_);
}

bool socket_client::wait_for(short events) {
    pollfd waited{fd_, events, 0};
    int ready;
    do {
        ready = ::poll(&waited, 1, patience_in_milliseconds);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

void socket_client::send(const std::string& bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        if (!wait_for(POLLOUT)) throw std::runtime_error("the peer takes no more");
        const ssize_t size = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (size < 0) fail("send");
        done += static_cast<std::size_t>(size);
    }
}

std::size_t socket_client::send_some(const std::string& bytes) {
    const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return 0;
    if (size < 0) fail("send");
    return static_cast<std::size_t>(size);
}

std::string socket_client::receive() {
    if (!pending_.empty()) return std::exchange(pending_, {});
    for (;;) {
        if (!wait_for(POLLIN)) throw std::runtime_error("nothing came");
        char bytes[65536];
        const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) {
            if (errno != ECONNRESET) fail("receive");
            reset_ = true;
            return {};
        }
        return std::string(bytes, static_cast<std::size_t>(size));
    }
}

std::string socket_client::receive_until(const std::string& text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
        const std::string more = receive();
        if (more.empty()) break;
        all += more;
    }
    return all;
}

std::string socket_client::receive_exactly(std::size_t size) {
    std::string all;
    while (all.size() < size) {
        const std::string more = receive();
        if (more.empty()) break;
        all += more;
    }
    if (all.size() > size) {
        pending_ = all.substr(size);
        all.resize(size);
    }
    return all;
}

std::string socket_client::receive_all() {
    std::string all;
    for (;;) {
        const std::string more = receive();
        if (more.empty()) return all;
        all += more;
    }
}

void socket_client::shutdown_send() { ::shutdown(fd_, SHUT_WR); }

void socket_client::reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd_);
    fd_ = -1;
}

void socket_client::shrink_receive_buffer(int bytes) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

std::uint16_t socket_client::local_port() const { return port_of(fd_); }

socket_server::socket_server() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = 0;
    const sockaddr_storage native = to_native("127.0.0.1", 0, size);
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&native), size) != 0 || ::listen(fd_, 128) != 0)
        fail("cannot listen");
    port_ = port_of(fd_);
}

socket_server::~socket_server() { ::close(fd_); }

int socket_server::accept() {
    pollfd waited{fd_, POLLIN, 0};
    if (::poll(&waited, 1, patience_in_milliseconds) <= 0) throw std::runtime_error("nobody connected");
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) fail("accept");
    return fd;
}

} // namespace tests
