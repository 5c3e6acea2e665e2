#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <liburing.h>
#include <netinet/in.h>

#include "present_kernel.hpp"

namespace conformance {

/// What a completion says, as far as a program may build on it: hints are left out.
struct completion {
    std::uint64_t request = 0;
    int result = 0;
    bool more = false;
    bool notification = false;
    std::optional<unsigned> buffer;
};

/// A ring in its natural use: names for requests, and their completions one by one. Made as the product makes its own.
class test_ring {
public:
    explicit test_ring(unsigned submissions = 16, unsigned completions = 64);
    test_ring(const test_ring&) = delete;
    test_ring& operator=(const test_ring&) = delete;

    /// Ends what is in flight first.
    ~test_ring();

    /// Puts a request in the submission queue; its name.
    template <class Prepare>
    std::uint64_t prepare(Prepare fill_in) {
        io_uring_sqe* sqe = entry();
        fill_in(sqe);
        io_uring_sqe_set_data64(sqe, ++last_);
        return last_;
    }

    /// The same, and submits it.
    template <class Prepare>
    std::uint64_t start(Prepare fill_in) {
        const std::uint64_t name = prepare(fill_in);
        submit();
        return name;
    }

    int submit();

    /// The next completion of a request, or of any (0), once it has come. Fails the test when none comes.
    completion next(std::uint64_t request = 0);

    /// The result of a request that completes once.
    template <class Prepare>
    int result_of(Prepare fill_in) {
        return next(start(fill_in)).result;
    }

    /// Whether there is none, nor comes for some time.
    bool is_quiet(std::uint64_t request = 0);

    int descriptor() const noexcept { return ring_.ring_fd; }
    io_uring* native() noexcept { return &ring_; }

    /// Ends every request.
    void cancel_all();

private:
    io_uring_sqe* entry();
    void read();
    std::optional<completion> find(std::uint64_t request);

    io_uring ring_{};
    std::uint64_t last_ = 0;
    std::deque<completion> read_;
};

/// A group of receive buffers, numbered from 0, that is lent to a ring's kernel.
class test_buffers {
public:
    test_buffers(test_ring& owner, unsigned count, unsigned size, unsigned entries = 8);
    test_buffers(const test_buffers&) = delete;
    test_buffers& operator=(const test_buffers&) = delete;
    ~test_buffers();

    static constexpr int group = 3;

    void give_back(unsigned id);
    std::string_view text(unsigned id, int size) const {
        return {space_.data() + id * size_, static_cast<std::size_t>(size)};
    }

    /// What a completion of a receive brought.
    std::string text(const completion& from) const { return std::string(text(*from.buffer, from.result)); }

private:
    test_ring& owner_;
    unsigned size_;
    unsigned entries_;
    std::vector<char> space_;
    io_uring_buf_ring* shared_;
};

struct listener {
    int fd;
    sockaddr_in where;
    const sockaddr* native() const noexcept { return reinterpret_cast<const sockaddr*>(&where); }
};

struct connected_pair {
    int client;
    int server;
};

/// Where a test happens: a kernel, a ring, and descriptors that are closed at the end.
class ground {
public:
    ground() : ring_(std::make_unique<test_ring>()) {}
    ground(const ground&) = delete;
    ground& operator=(const ground&) = delete;
    ~ground();

protected:
    present_kernel& here() noexcept { return kernel_; }
    test_ring& ring() noexcept { return *ring_; }

    int own(int fd);
    void close(int fd);

    int new_socket();

    /// On the loopback, on a port of the kernel's choice, with buffers that a megabyte does not fit into.
    listener listen(int backlog = 16);
    connected_pair connect();
    connected_pair connect(const listener& to);
    int start_connect_result(int fd, const listener& to);
    int accept(const listener& from);

    /// All of it; as much, unless the stream ends or breaks before: `last_error` says how.
    void send(int fd, std::string_view bytes);
    std::string receive(int fd, std::size_t size);
    int receive_result(int fd);

    /// Until the connection has ended or been reset by the peer, as this end sees it; what poll(2) says then.
    int until_hung_up(int fd);

    /// Closes the end of a connection, with a reset: `other` has sent it something that it does not read.
    void reset(int fd, int other);

private:
    present_kernel kernel_;
    std::vector<int> open_;
    std::unique_ptr<test_ring> ring_;
};

/// Text that tells where each part of it belongs.
std::string pattern(std::size_t size);

} // namespace conformance
