#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <liburing.h>

#include "kernel.hpp"

namespace simulation {

/// What this kernel can do.
inline constexpr std::array known_operations{
    IORING_OP_NOP,    IORING_OP_POLL_ADD, IORING_OP_SENDMSG, IORING_OP_TIMEOUT, IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL,
    IORING_OP_CONNECT, IORING_OP_OPENAT,  IORING_OP_CLOSE,   IORING_OP_STATX,   IORING_OP_READ,   IORING_OP_WRITE,
    IORING_OP_SEND,   IORING_OP_RECV,     IORING_OP_OPENAT2, IORING_OP_MSG_RING, IORING_OP_SEND_ZC,
};

/// A request that the kernel has taken, until its last completion.
struct pending_request {
    explicit pending_request(const io_uring_sqe& made) : kept(new io_uring_sqe(made)) {}

    std::uint64_t id = 0;
    std::unique_ptr<const io_uring_sqe> kept; ///< it ends in an array without a size, which a class may not contain
    const io_uring_sqe& entry = *kept;
    std::shared_ptr<file> on;
    std::vector<iovec> pieces; ///< memory of the program's that it names
    std::string path;
    std::size_t done = 0; ///< bytes of a send that goes on after a short one
    std::uint64_t content = 0; ///< of what is to be sent, as it was at the beginning
    bool multishot = false;
    bool started = false; ///< a connect has begun, a poll has looked once
    bool look_due = false;
    bool notification_due = false;
    instant last_data{}; ///< when a receive brought something
};

/// Buffers that the program has lent for receives to pick from (io_uring_register_buf_ring(3)).
class buffer_group {
public:
    buffer_group(kernel& owner, io_uring_buf_ring* shared, unsigned entries);
    ~buffer_group();
    buffer_group(const buffer_group&) = delete;

    struct lent {
        std::uint16_t id;
        char* start;
        std::size_t size;
    };

    /// Takes what the program has added: nobody but the kernel may touch it until a completion gives it back.
    void take_in();
    bool empty() const noexcept { return lent_.empty(); }
    const lent& front() const noexcept { return lent_.front(); }
    lent pick();

    /// What was picked and not used.
    void put_back(const lent& unused);

    io_uring_buf_ring* shared() const noexcept { return shared_; }

private:
    kernel& kernel_;
    io_uring_buf_ring* shared_;
    unsigned entries_;
    std::uint16_t seen_ = 0;
    std::deque<lent> lent_;
    std::set<std::uint16_t> ids_;
};

/// One io_uring: takes requests from the queue that the program fills, does them when they can be done, and posts their
/// completions. Everything that a real one may do, it does, if the weather says so.
class simulated_ring {
public:
    simulated_ring(kernel& owner, io_uring& user, unsigned entries, const io_uring_params& parameters);
    ~simulated_ring();
    simulated_ring(const simulated_ring&) = delete;

    int number() const noexcept { return number_; }
    int descriptor() const noexcept { return descriptor_; }
    unsigned completions() const noexcept { return completion_tail_ - completion_head_; }
    io_uring_cqe* first_completion() noexcept;

    /// io_uring_enter(2): submits, and waits for completions if asked to.
    int enter(unsigned wait_for, std::optional<duration> limit, bool get_events);

    /// Something has changed that the request waits for.
    void look_again(std::uint64_t request);

    /// From another ring, or from this one.
    void post_message(std::uint64_t data, int result);

    int add_group(int id, io_uring_buf_ring* shared, unsigned entries);
    int remove_group(int id);
    bool has_group(int id) const;

    std::size_t in_flight() const noexcept { return requests_.size(); }

private:
    int submit(unsigned count);
    void take(const io_uring_sqe& entry);
    int prepare(pending_request& request);
    bool overlooks(const pending_request& request);
    void schedule_look(pending_request& request, duration most);
    void look(std::uint64_t id);
    outcome attempt(pending_request& request, unsigned& flags);
    std::size_t perhaps_less(std::size_t size, fault kind);
    outcome attempt_receive(pending_request& request, unsigned& flags);
    outcome attempt_send(pending_request& request);
    outcome attempt_accept(pending_request& request);
    outcome attempt_poll(pending_request& request);
    outcome attempt_open(pending_request& request);
    outcome attempt_transfer(pending_request& request);
    int cancel(const pending_request& request);
    void cancel_one(pending_request& target);
    void finish_cancelled(std::uint64_t id, int result);
    int send_message(const pending_request& request);
    bool may_go_on(pending_request& request, int result, unsigned flags);

    void complete(pending_request& request, int result, unsigned flags);
    void forget(std::uint64_t id);
    void post(std::uint64_t id, int operation, std::uint64_t data, int result, unsigned flags);
    void flush_overflow();
    bool is_full() const noexcept { return completions() == completion_entries_ || !overflow_.empty(); }
    void check_memory(const pending_request& request);
    void check_content(const pending_request& request);
    void check_lone_send(const pending_request& request);
    std::string name_of(const pending_request& request) const;
    template <class Function>
    void later(duration most, Function function);

    kernel& kernel_;
    io_uring& user_;
    int number_;
    int descriptor_;
    unsigned flags_;
    std::vector<io_uring_sqe> entries_;
    std::vector<io_uring_cqe> completed_;
    unsigned submission_head_ = 0;
    unsigned submission_tail_ = 0;
    unsigned submission_mask_;
    unsigned submission_entries_;
    unsigned submission_flags_ = 0;
    unsigned dropped_ = 0;
    unsigned completion_head_ = 0;
    unsigned completion_tail_ = 0;
    unsigned completion_mask_;
    unsigned completion_entries_;
    unsigned completion_flags_ = 0;
    unsigned overflowed_ = 0;
    std::vector<unsigned> array_;
    std::deque<io_uring_cqe> overflow_;
    std::map<std::uint64_t, std::unique_ptr<pending_request>> requests_;
    std::uint64_t next_request_;
    std::map<int, std::unique_ptr<buffer_group>> groups_;
    std::shared_ptr<simulated_ring*> self_; // empty once the ring is gone, for events that come after it
};

} // namespace simulation
