#include "ground.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <stdexcept>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

constexpr __kernel_timespec patience{60, 0};
constexpr __kernel_timespec some_time{0, 50'000'000};
constexpr std::uint64_t nobody = 0;

completion read_from(const io_uring_cqe& cqe) {
    completion read;
    read.request = cqe.user_data;
    read.result = cqe.res;
    read.more = (cqe.flags & IORING_CQE_F_MORE) != 0;
    read.notification = (cqe.flags & IORING_CQE_F_NOTIF) != 0;
    if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) read.buffer = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
    return read;
}

} // namespace

test_ring::test_ring(unsigned submissions, unsigned completions) {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                       IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    parameters.cq_entries = completions;
    REQUIRE(io_uring_queue_init_params(submissions, &ring_, &parameters) == 0);
}

test_ring::~test_ring() {
    cancel_all();
    io_uring_queue_exit(&ring_);
}

void test_ring::cancel_all() {
    for (int found = 1; found != 0;) {
        io_uring_sqe* sqe = entry();
        io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
        io_uring_sqe_set_data64(sqe, nobody);
        io_uring_submit_and_get_events(&ring_); // what was found ends only when the kernel is asked for events
        for (bool answered = false; !answered;) {
            io_uring_cqe* cqe = nullptr;
            __kernel_timespec limit = patience;
            if (io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &limit, nullptr) == -ETIME) return;
            read();
            while (!read_.empty()) {
                if (read_.front().request == nobody) {
                    answered = true;
                    found = read_.front().result;
                }
                read_.pop_front();
            }
        }
    }
}

io_uring_sqe* test_ring::entry() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) throw std::runtime_error("the submission queue is full");
    return sqe;
}

int test_ring::submit() { return io_uring_submit(&ring_); }

void test_ring::read() {
    io_uring_cqe* cqe = nullptr;
    unsigned head = 0;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring_, head, cqe) {
        read_.push_back(read_from(*cqe));
        ++count;
    }
    io_uring_cq_advance(&ring_, count);
}

std::optional<completion> test_ring::find(std::uint64_t request) {
    const auto matches = [request](const completion& each) { return request == 0 || each.request == request; };
    const auto place = std::find_if(read_.begin(), read_.end(), matches);
    if (place == read_.end()) return std::nullopt;
    const completion found = *place;
    read_.erase(place);
    return found;
}

completion test_ring::next(std::uint64_t request) {
    for (;;) {
        read();
        if (const auto found = find(request)) return *found;
        io_uring_cqe* cqe = nullptr;
        __kernel_timespec limit = patience;
        if (io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &limit, nullptr) == -ETIME)
            throw std::runtime_error("a completion did not come");
    }
}

bool test_ring::is_quiet(std::uint64_t request) {
    __kernel_timespec limit = some_time;
    io_uring_cqe* cqe = nullptr;
    for (int result = 0; result != -ETIME;) {
        result = io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &limit, nullptr);
        read();
        const auto matches = [request](const completion& each) { return request == 0 || each.request == request; };
        if (std::any_of(read_.begin(), read_.end(), matches)) return false;
    }
    return true;
}

test_buffers::test_buffers(test_ring& owner, unsigned count, unsigned size, unsigned entries)
    : owner_(owner), size_(size), entries_(entries), space_(std::size_t{count} * size) {
    int error = 0;
    shared_ = io_uring_setup_buf_ring(owner.native(), entries, group, 0, &error);
    if (shared_ == nullptr) throw std::runtime_error("no buffer ring");
    for (unsigned id = 0; id < count; ++id) give_back(id);
}

test_buffers::~test_buffers() {
    owner_.cancel_all();
    io_uring_free_buf_ring(owner_.native(), shared_, entries_, group);
}

void test_buffers::give_back(unsigned id) {
    io_uring_buf_ring_add(shared_, space_.data() + std::size_t{id} * size_, size_, static_cast<unsigned short>(id),
                          io_uring_buf_ring_mask(entries_), 0);
    io_uring_buf_ring_advance(shared_, 1);
}

ground::~ground() {
    ring_->cancel_all();
    for (const int fd : open_) tuyau::system::close(fd);
}

int ground::own(int fd) {
    REQUIRE(fd >= 0);
    open_.push_back(fd);
    return fd;
}

void ground::close(int fd) {
    std::erase(open_, fd);
    tuyau::system::close(fd);
}

int ground::new_socket() {
    const int fd = own(tuyau::system::open_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    constexpr int small = 65536;
    tuyau::system::set_option(fd, SOL_SOCKET, SO_SNDBUF, small);
    tuyau::system::set_option(fd, SOL_SOCKET, SO_RCVBUF, small);
    return fd;
}

listener ground::listen(int backlog) {
    listener made{new_socket(), {}};
    made.where.sin_family = AF_INET;
    made.where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    unsigned size = sizeof made.where;
    tuyau::system::set_option(made.fd, SOL_SOCKET, SO_REUSEADDR, 1);
    REQUIRE(tuyau::system::bind(made.fd, made.native(), size) == 0);
    REQUIRE(tuyau::system::listen(made.fd, backlog) == 0);
    REQUIRE(tuyau::system::local_address(made.fd, reinterpret_cast<sockaddr*>(&made.where), &size) == 0);
    return made;
}

connected_pair ground::connect() { return connect(listen()); }

connected_pair ground::connect(const listener& to) {
    const int client = new_socket();
    const std::uint64_t connecting =
        ring().start([&](auto* sqe) { io_uring_prep_connect(sqe, client, to.native(), sizeof to.where); });
    const int server = accept(to);
    REQUIRE(ring().next(connecting).result == 0);
    return {client, server};
}

int ground::start_connect_result(int fd, const listener& to) {
    return ring().result_of([&](auto* sqe) { io_uring_prep_connect(sqe, fd, to.native(), sizeof to.where); });
}

int ground::accept(const listener& from) {
    return own(
        ring().result_of([&](auto* sqe) { io_uring_prep_accept(sqe, from.fd, nullptr, nullptr, SOCK_CLOEXEC); }));
}

void ground::send(int fd, std::string_view bytes) {
    const int sent =
        ring().result_of([&](auto* sqe) { io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(), MSG_WAITALL); });
    REQUIRE(sent == static_cast<int>(bytes.size()));
}

std::string ground::receive(int fd, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const int got =
            ring().result_of([&](auto* sqe) { io_uring_prep_recv(sqe, fd, bytes.data() + done, size - done, 0); });
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

int ground::receive_result(int fd) {
    std::array<char, 64> space{};
    return ring().result_of([&](auto* sqe) { io_uring_prep_recv(sqe, fd, space.data(), space.size(), 0); });
}

int ground::until_hung_up(int fd) {
    for (int round = 0; round < 100'000; ++round) { // the peer's end alone is told as well
        const int ready = ring().result_of([&](auto* sqe) { io_uring_prep_poll_add(sqe, fd, 0); });
        if ((ready & POLLHUP) != 0) return ready;
    }
    return 0;
}

void ground::reset(int fd, int other) {
    send(other, "unread");
    const int ready = ring().result_of([&](auto* sqe) { io_uring_prep_poll_add(sqe, fd, POLLIN); });
    REQUIRE((ready & POLLIN) != 0);
    close(fd);
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t index = 0; index < size; ++index) text[index] = static_cast<char>('a' + (index / 7 + index) % 26);
    return text;
}

} // namespace conformance
