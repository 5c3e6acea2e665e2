// The least that an echo server on liburing can do: a buffer a connection, in turn a receive into it and a send from it.
//
//     bare_liburing_echo      prints the port that it listens on

#include <array>
#include <cstddef>
#include <deque>
#include <memory>

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket.hpp"

namespace {

constexpr std::size_t buffer_size = 64 * 1024;

enum class kind : unsigned { accept, receive, send };

io_uring ring;
std::deque<std::unique_ptr<std::array<char, buffer_size>>> buffers; // by descriptor

io_uring_sqe* next() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    if (sqe != nullptr) return sqe;
    io_uring_submit(&ring);
    return io_uring_get_sqe(&ring);
}

void tag(io_uring_sqe* sqe, kind what, int fd) {
    io_uring_sqe_set_data64(sqe, (static_cast<__u64>(what) << 32) | static_cast<unsigned>(fd));
}

char* buffer_of(int fd) { return buffers[static_cast<std::size_t>(fd)]->data(); }

void receive(int fd) {
    io_uring_sqe* sqe = next();
    io_uring_prep_recv(sqe, fd, buffer_of(fd), buffer_size, 0);
    tag(sqe, kind::receive, fd);
}

void send_back(int fd, int size) {
    io_uring_sqe* sqe = next();
    io_uring_prep_send(sqe, fd, buffer_of(fd), static_cast<std::size_t>(size), MSG_WAITALL);
    tag(sqe, kind::send, fd);
}

void accept_on(int listener) {
    io_uring_sqe* sqe = next();
    io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
    tag(sqe, kind::accept, listener);
}

void begin(int fd) {
    while (buffers.size() <= static_cast<std::size_t>(fd)) buffers.emplace_back();
    buffers[static_cast<std::size_t>(fd)] = std::make_unique_for_overwrite<std::array<char, buffer_size>>();
    receive(fd);
}

void end(int fd) {
    buffers[static_cast<std::size_t>(fd)].reset();
    close(fd);
}

void handle(const io_uring_cqe& cqe) {
    const int fd = static_cast<int>(cqe.user_data & 0xffff'ffff);
    switch (static_cast<kind>(cqe.user_data >> 32)) {
    case kind::accept:
        if (cqe.res >= 0) begin(cqe.res);
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) accept_on(fd);
        break;
    case kind::receive:
        if (cqe.res > 0)
            send_back(fd, cqe.res);
        else
            end(fd);
        break;
    case kind::send:
        if (cqe.res > 0)
            receive(fd);
        else
            end(fd);
    }
}

} // namespace

int main() {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL;
    peer::require(io_uring_queue_init_params(512, &ring, &parameters) == 0, "io_uring");
    io_uring_register_ring_fd(&ring);
    const int listener = peer::listen_on_loopback();
    accept_on(listener);
    for (;;) {
        io_uring_submit_and_wait(&ring, 1);
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* cqe = nullptr;
        io_uring_for_each_cqe(&ring, head, cqe) {
            ++seen;
            handle(*cqe);
        }
        io_uring_cq_advance(&ring, seen);
    }
}
