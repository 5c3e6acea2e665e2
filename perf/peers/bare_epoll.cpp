// The other yardstick: the least that a server on epoll can do. Level-triggered; one recv and one send for all that a
// buffer asked.
//
//     bare_epoll RESPONSE_FILE [--parse]      prints the port that it listens on

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answers.hpp"
#include "options.hpp"
#include "requests.hpp"
#include "socket.hpp"

namespace {

constexpr std::size_t many = 65'536; // connections, for which room is reserved and not touched

struct connection {
    peer::request_counter requests;
    std::string_view unsent; // nothing is received until it is gone
};

class server {
public:
    explicit server(const peer::options& chosen) : chosen_(chosen), answers_(chosen.response) {
        peer::require(epoll_ >= 0, "epoll");
        connections_.reserve(many);
    }

    void run() {
        watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
        std::array<epoll_event, 512> events;
        for (;;) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listener_)
                    accept_all();
                else if (at(fd).unsent.empty())
                    receive(fd);
                else
                    send_rest(fd);
            }
        }
    }

private:
    void watch(int operation, int fd, unsigned events) {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        epoll_ctl(epoll_, operation, fd, &event);
    }

    void accept_all() {
        for (;;) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            while (connections_.size() <= static_cast<std::size_t>(fd)) connections_.emplace_back();
            at(fd) = {};
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
        }
    }

    void receive(int fd) {
        const ssize_t size = recv(fd, buffer_.data(), buffer_.size(), 0);
        if (size < 0 && errno == EAGAIN) return;
        int asked = size > 0 ? 1 : -1;
        if (size > 0 && chosen_.parse) asked = at(fd).requests.count(buffer_.data(), static_cast<std::size_t>(size));
        if (asked < 0) {
            close(fd);
            return;
        }
        if (asked == 0) return;
        at(fd).unsent = answers_.to(static_cast<unsigned>(asked));
        if (send_some(fd)) watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
    }

    void send_rest(int fd) {
        if (!send_some(fd)) watch(EPOLL_CTL_MOD, fd, EPOLLIN);
    }

    /// Whether some of it could not be sent. A connection that is broken is left to recv to find.
    bool send_some(int fd) {
        std::string_view& unsent = at(fd).unsent;
        const ssize_t size = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (size >= 0)
            unsent.remove_prefix(static_cast<std::size_t>(size));
        else if (errno != EAGAIN)
            unsent = {};
        return !unsent.empty();
    }

    connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    const peer::options& chosen_;
    peer::answers answers_;
    int epoll_ = epoll_create1(EPOLL_CLOEXEC);
    int listener_ = peer::listen_on_loopback(false);
    std::array<char, 4096> buffer_;
    std::vector<connection> connections_; // by descriptor
};

} // namespace

int main(int argc, char** argv) {
    const peer::options chosen = peer::read_options(argc, argv);
    server(chosen).run();
}
