#include "helpers.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace tests {
namespace {

void check(bool well, const char* what) {
    if (!well) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

} // namespace

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

descriptor_pair descriptor_pair::pipe() {
    std::array<int, 2> fds{};
    check(::pipe2(fds.data(), O_CLOEXEC) == 0, "pipe");
    return descriptor_pair(fds);
}

descriptor_pair descriptor_pair::sockets() {
    std::array<int, 2> fds{};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0, "socketpair");
    return descriptor_pair(fds);
}

descriptor_pair descriptor_pair::tcp() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    auto* native = reinterpret_cast<sockaddr*>(&where);
    check(listener >= 0 && ::bind(listener, native, size) == 0 && ::listen(listener, 1) == 0, "listen");
    ::getsockname(listener, native, &size);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(client >= 0 && ::connect(client, native, size) == 0, "connect");
    const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    check(server >= 0, "accept");
    ::close(listener);
    return descriptor_pair({server, client});
}

descriptor_pair::~descriptor_pair() {
    for (int fd : fds_)
        if (fd >= 0) ::close(fd);
}

void write_now(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        check(size >= 0, "write");
        text.remove_prefix(static_cast<std::size_t>(size));
    }
}

std::string read_now(int fd, std::size_t size) {
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(fd, text.data() + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        check(got >= 0, "read");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
}

} // namespace tests
