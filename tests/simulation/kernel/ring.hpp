#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <liburing.h>

#include "buffer_group.hpp"
#include "kernel.hpp"
#include "request.hpp"

namespace simulation {

/// What this kernel can do.
inline constexpr std::array known_operations{
    IORING_OP_NOP,          IORING_OP_POLL_ADD, IORING_OP_SENDMSG, IORING_OP_TIMEOUT, IORING_OP_ACCEPT,
    IORING_OP_ASYNC_CANCEL, IORING_OP_CONNECT,  IORING_OP_OPENAT,  IORING_OP_CLOSE,   IORING_OP_STATX,
    IORING_OP_READ,         IORING_OP_WRITE,    IORING_OP_SEND,    IORING_OP_RECV,    IORING_OP_OPENAT2,
    IORING_OP_MSG_RING,     IORING_OP_SEND_ZC,
};

/// One io_uring: takes requests from the queue that the program fills, does them when they can be done, and posts their
/// completions. Everything that a real one may do, it does, if the weather says so.
class simulated_ring {
public:
    simulated_ring(kernel& owner, io_uring& user, unsigned entries, const io_uring_params& parameters);
    ~simulated_ring();
    simulated_ring(const simulated_ring&) = delete;

    /// Before any call but the one that closes it: one ring, one thread, if it was made so.
    void check_thread();

    int number() const noexcept { return number_; }
    int descriptor() const noexcept { return descriptor_; }
    unsigned completions() const noexcept { return completion_tail_ - completion_head_; }
    io_uring_cqe* first_completion() noexcept;

    /// io_uring_enter(2): submits, and waits for completions if asked to.
    struct wait {
        unsigned count = 0;
        std::optional<duration> limit;
        std::optional<duration> minimum; ///< after which one completion is enough
    };
    int enter(const wait& asked, bool get_events);

    /// A send that comes `next` is the only one on its socket.
    void check_lone_send(const file& on, const std::string& next);

    /// Something has changed that the request waits for.
    void look_again(std::uint64_t request);

    /// From another ring, or from this one.
    void post_message(std::uint64_t data, int result);

    int add_group(int id, io_uring_buf_ring* shared, unsigned entries);
    int remove_group(int id);
    bool has_group(int id) const;
    std::size_t buffers_away() const;

private:
    int submit(unsigned count);
    void take(const io_uring_sqe& entry);
    int prepare(pending_request& request);
    bool overlooks(const pending_request& request);
    void schedule_look(pending_request& request, duration most);
    void look(std::uint64_t id);
    outcome attempt(pending_request& request, unsigned& flags);

    /// `size`, or a part of what is possible at once.
    std::size_t perhaps_less(std::size_t size, std::size_t possible, fault kind);

    outcome attempt_connect(pending_request& request);
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
    void check_idle();
    void check_content(const pending_request& request);

    std::string name_of(const pending_request& request) const;
    template <class Function>
    void later(duration most, Function function) {
        kernel_.time().after(kernel_.random_delay(most),
                             [alive = std::weak_ptr(self_), function = std::move(function)] {
                                 if (!alive.expired()) function();
                             });
    }

    kernel& kernel_;
    io_uring& user_;
    int number_;
    int descriptor_;
    unsigned flags_;
    std::thread::id maker_ = std::this_thread::get_id();
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
    std::set<int> left_connects_; // descriptors: they go on by themselves
    std::map<int, std::unique_ptr<buffer_group>> groups_;
    std::shared_ptr<simulated_ring*> self_; // empty once the ring is gone, for events that come after it
};

} // namespace simulation
