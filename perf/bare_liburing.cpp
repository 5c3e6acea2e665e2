// The yardstick: the least that a server on liburing can do. It answers every received buffer with the bytes of a file,
// parsing nothing, on one ring: multishot accept, multishot receive on a buffer ring, one send per buffer, and a wait for
// one completion at a time.
//
//     bare_liburing RESPONSE_FILE        prints the port that it listens on

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr unsigned buffer_count = 256;
constexpr unsigned buffer_size = 4096;

enum class kind : unsigned { accept, receive, send };

void tag(io_uring_sqe* sqe, kind what, int fd) {
    io_uring_sqe_set_data64(sqe, (static_cast<__u64>(what) << 32) | static_cast<unsigned>(fd));
}

io_uring_sqe* next(io_uring& ring) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    if (sqe != nullptr) return sqe;
    io_uring_submit(&ring);
    return io_uring_get_sqe(&ring);
}

void receive(io_uring& ring, int fd) {
    io_uring_sqe* sqe = next(ring);
    io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
    sqe->buf_group = 0;
    tag(sqe, kind::receive, fd);
}

void check(bool fine, const char* what) {
    if (fine) return;
    std::perror(what);
    std::exit(1);
}

int listen_on_loopback() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    check(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(fd, 4096) == 0, "listen");
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return fd;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: bare_liburing RESPONSE_FILE\n");
        return 2;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const std::string response(std::istreambuf_iterator<char>(file), {});
    check(!response.empty(), argv[1]);

    io_uring ring{};
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 8192;
    check(io_uring_queue_init_params(512, &ring, &parameters) == 0, "io_uring");
    io_uring_register_ring_fd(&ring);
    int error = 0;
    io_uring_buf_ring* buffers = io_uring_setup_buf_ring(&ring, buffer_count, 0, 0, &error);
    check(buffers != nullptr, "buffer ring");
    std::vector<char> memory(std::size_t{buffer_count} * buffer_size);
    const int mask = io_uring_buf_ring_mask(buffer_count);
    for (unsigned id = 0; id < buffer_count; ++id) {
        io_uring_buf_ring_add(buffers, &memory[std::size_t{id} * buffer_size], buffer_size, static_cast<unsigned short>(id), mask,
                              static_cast<int>(id));
    }
    io_uring_buf_ring_advance(buffers, buffer_count);

    const int listener = listen_on_loopback();
    io_uring_sqe* sqe = next(ring);
    io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
    tag(sqe, kind::accept, listener);

    for (;;) {
        io_uring_submit_and_wait(&ring, 1);
        unsigned head = 0;
        unsigned seen = 0;
        int returned = 0;
        io_uring_cqe* cqe = nullptr;
        io_uring_for_each_cqe(&ring, head, cqe) {
            ++seen;
            const int fd = static_cast<int>(cqe->user_data);
            switch (static_cast<kind>(cqe->user_data >> 32)) {
            case kind::accept:
                if (cqe->res >= 0) receive(ring, cqe->res);
                break;
            case kind::receive:
                if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
                    const auto id = static_cast<unsigned short>(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
                    io_uring_buf_ring_add(buffers, &memory[std::size_t{id} * buffer_size], buffer_size, id, mask, returned++);
                }
                if (cqe->res > 0) {
                    io_uring_sqe* answer = next(ring);
                    io_uring_prep_send(answer, fd, response.data(), response.size(), MSG_WAITALL);
                    tag(answer, kind::send, fd);
                }
                if ((cqe->flags & IORING_CQE_F_MORE) == 0) {
                    if (cqe->res == -ENOBUFS || cqe->res > 0)
                        receive(ring, fd);
                    else
                        close(fd);
                }
                break;
            case kind::send: break;
            }
        }
        io_uring_buf_ring_advance(buffers, returned);
        io_uring_cq_advance(&ring, seen);
    }
}
