// The yardstick: the least that a server on liburing can do. One ring: multishot accept, multishot receive on a buffer
// ring, one send for all that a buffer asked, and a wait for one completion at a time, or for several with --wait.
//
//     bare_liburing RESPONSE_FILE [--parse] [--wait COUNT MICROSECONDS]      prints the port that it listens on

#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answers.hpp"
#include "options.hpp"
#include "requests.hpp"
#include "socket.hpp"

namespace {

constexpr unsigned buffer_count = 256;
constexpr unsigned buffer_size = 4096;
constexpr std::size_t many = 65'536; // connections, for which room is reserved and not touched

enum class kind : unsigned { accept, receive, send };

struct connection {
    peer::request_counter requests;
    unsigned owed = 0; // answers, while others are being sent: sends in flight together could overtake each other
    bool sending = false;
    bool ended = false;
};

class server {
public:
    explicit server(const peer::options& chosen) : chosen_(chosen), answers_(chosen.response) {
        io_uring_params parameters{};
        parameters.flags =
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
        parameters.cq_entries = 8192;
        peer::require(io_uring_queue_init_params(512, &ring_, &parameters) == 0, "io_uring");
        io_uring_register_ring_fd(&ring_);
        int error = 0;
        buffers_ = io_uring_setup_buf_ring(&ring_, buffer_count, 0, 0, &error);
        peer::require(buffers_ != nullptr, "buffer ring");
        for (unsigned id = 0; id < buffer_count; ++id) give_back(id);
        connections_.reserve(many);
    }

    void run() {
        const int listener = peer::listen_on_loopback();
        accept_on(listener);
        for (;;) {
            io_uring_buf_ring_advance(buffers_, std::exchange(returned_, 0));
            wait();
            unsigned head = 0;
            unsigned seen = 0;
            io_uring_cqe* cqe = nullptr;
            io_uring_for_each_cqe(&ring_, head, cqe) {
                ++seen;
                handle(*cqe);
            }
            io_uring_cq_advance(&ring_, seen);
        }
    }

private:
    void wait() {
        if (chosen_.wait_time != 0) return wait_for_several();
        io_uring_submit_and_wait(&ring_, 1);
    }

    void wait_for_several() {
#if IO_URING_CHECK_VERSION(2, 8) // which is true of an older one
        errno = ENOSYS;
        peer::require(false, "--wait needs liburing 2.8");
#else
        io_uring_cqe* first = nullptr;
        __kernel_timespec far{.tv_sec = 3600, .tv_nsec = 0}; // without it the time for several is forgotten
        io_uring_submit_and_wait_min_timeout(&ring_, &first, chosen_.wait_count, &far, chosen_.wait_time, nullptr);
#endif
    }

    io_uring_sqe* next() {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        if (sqe != nullptr) return sqe;
        io_uring_submit(&ring_);
        return io_uring_get_sqe(&ring_);
    }

    static void tag(io_uring_sqe* sqe, kind what, int fd) {
        io_uring_sqe_set_data64(sqe, (static_cast<__u64>(what) << 32) | static_cast<unsigned>(fd));
    }

    char* buffer(unsigned id) { return &memory_[std::size_t{id} * buffer_size]; }

    void give_back(unsigned id) {
        io_uring_buf_ring_add(buffers_, buffer(id), buffer_size, static_cast<unsigned short>(id),
                              io_uring_buf_ring_mask(buffer_count), returned_++);
    }

    void handle(const io_uring_cqe& cqe) {
        const int fd = static_cast<int>(cqe.user_data & 0xffff'ffff);
        switch (static_cast<kind>(cqe.user_data >> 32)) {
        case kind::accept:
            if (cqe.res >= 0) begin(cqe.res);
            if ((cqe.flags & IORING_CQE_F_MORE) == 0) accept_on(fd);
            break;
        case kind::receive: received(fd, cqe); break;
        case kind::send:
            at(fd).sending = false;
            if (at(fd).ended)
                end(fd);
            else
                answer(fd);
        }
    }

    void accept_on(int listener) {
        io_uring_sqe* sqe = next();
        io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
        tag(sqe, kind::accept, listener);
    }

    void begin(int fd) {
        while (connections_.size() <= static_cast<std::size_t>(fd)) connections_.emplace_back();
        at(fd) = {};
        receive(fd);
    }

    void receive(int fd) {
        io_uring_sqe* sqe = next();
        io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
        io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
        sqe->buf_group = 0;
        tag(sqe, kind::receive, fd);
    }

    void received(int fd, const io_uring_cqe& cqe) {
        const bool more = cqe.res > 0 || cqe.res == -ENOBUFS;
        if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
            const unsigned id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
            const int asked = chosen_.parse ? at(fd).requests.count(buffer(id), static_cast<std::size_t>(cqe.res)) : 1;
            if (asked < 0)
                shutdown(fd, SHUT_RDWR); // what comes of it is the end of the stream
            else
                at(fd).owed += static_cast<unsigned>(asked);
            give_back(id);
            answer(fd);
        }
        if ((cqe.flags & IORING_CQE_F_MORE) != 0) return;
        if (more)
            receive(fd);
        else
            end(fd);
    }

    void answer(int fd) {
        connection& here = at(fd);
        if (here.sending || here.owed == 0) return;
        const std::string_view text = answers_.to(std::exchange(here.owed, 0));
        io_uring_sqe* sqe = next();
        io_uring_prep_send(sqe, fd, text.data(), text.size(), MSG_WAITALL);
        tag(sqe, kind::send, fd);
        here.sending = true;
    }

    void end(int fd) {
        at(fd).ended = true;
        if (!at(fd).sending) close(fd);
    }

    connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    const peer::options& chosen_;
    peer::answers answers_;
    io_uring ring_{};
    io_uring_buf_ring* buffers_ = nullptr;
    std::vector<char> memory_ = std::vector<char>(std::size_t{buffer_count} * buffer_size);
    int returned_ = 0;                    // buffers, not yet shown to the kernel
    std::vector<connection> connections_; // by descriptor
};

} // namespace

int main(int argc, char** argv) {
    const peer::options chosen = peer::read_options(argc, argv, true);
    server(chosen).run();
}
