#include "ring.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

#include "memory.hpp"

namespace simulation {

simulated_ring::simulated_ring(kernel& owner, io_uring& user, unsigned entries, const io_uring_params& parameters)
    : kernel_(owner), user_(user), number_(owner.next_ring_number()),
      descriptor_(owner.open(std::make_shared<file>(owner))), flags_(parameters.flags), entries_(entries),
      completed_(parameters.cq_entries), submission_mask_(entries - 1), submission_entries_(entries),
      completion_mask_(parameters.cq_entries - 1), completion_entries_(parameters.cq_entries), array_(entries),
      next_request_(static_cast<std::uint64_t>(number_) * 1'000'000'000),
      self_(std::make_shared<simulated_ring*>(this)) {
    user_ = {};
    io_uring_sq& sq = user_.sq;
    sq.khead = &submission_head_;
    sq.ktail = &submission_tail_;
    sq.kring_mask = &submission_mask_;
    sq.kring_entries = &submission_entries_;
    sq.kflags = &submission_flags_;
    sq.kdropped = &dropped_;
    sq.array = array_.data();
    sq.sqes = entries_.data();
    sq.ring_mask = submission_mask_;
    sq.ring_entries = submission_entries_;
    io_uring_cq& cq = user_.cq;
    cq.khead = &completion_head_;
    cq.ktail = &completion_tail_;
    cq.kring_mask = &completion_mask_;
    cq.kring_entries = &completion_entries_;
    cq.kflags = &completion_flags_;
    cq.koverflow = &overflowed_;
    cq.cqes = completed_.data();
    cq.ring_mask = completion_mask_;
    cq.ring_entries = completion_entries_;
    user_.flags = flags_;
    user_.ring_fd = user_.enter_ring_fd = descriptor_;
    user_.features = parameters.features;
    kernel_.add(*this);
}

simulated_ring::~simulated_ring() {
    check_idle();
    for (auto& [id, request] : requests_)
        if (request->on) request->on->remove({number_, id});
    self_.reset();
    kernel_.remove(*this);
    kernel_.close(descriptor_);
    user_ = {};
}

io_uring_cqe* simulated_ring::first_completion() noexcept {
    return completions() != 0 ? &completed_[completion_head_ & completion_mask_] : nullptr;
}

int simulated_ring::enter(const wait& asked, bool get_events) {
    kernel_.time().advance(kernel_.now() + kernel_.random_delay(3us)); // since the last call
    for (auto& [id, group] : groups_) group->take_in();
    for (auto& [id, request] : requests_) check_memory(*request);

    const unsigned count = user_.sq.sqe_tail - submission_head_;
    submission_tail_ = user_.sq.sqe_head = user_.sq.sqe_tail;
    const int submitted = count == 0 ? 0 : submit(count);
    kernel_.record().add(
        {kernel_.now(), trace::what::entered, number_, 0, static_cast<int>(count), submitted, asked.count, nullptr});
    if (submitted != static_cast<int>(count) || !get_events) return submitted;
    kernel_.time().advance(kernel_.now());
    flush_overflow();
    if (asked.count == 0 || completions() >= asked.count) return submitted;
    if (kernel_.strikes(fault::interrupted_wait)) return submitted != 0 ? submitted : -EINTR;
    if (kernel_.strikes(fault::spurious_wake_up)) return submitted;
    const auto from_now = [this](const std::optional<duration>& span) {
        return span ? std::optional(kernel_.now() + *span) : std::nullopt;
    };
    // On Linux 6.18 there is no minimum without a limit, and no limit before the minimum.
    const auto minimum = asked.limit ? asked.minimum : std::nullopt;
    const auto limit = minimum && *asked.limit < *minimum ? minimum : asked.limit;
    kernel_.sleep(*this, {asked.count, from_now(limit), from_now(minimum)});
    kernel_.time().advance(kernel_.now() + kernel_.random_delay(kernel_.most_lateness())); // more may come
    flush_overflow();
    return completions() != 0 || submitted != 0 ? submitted : -ETIME;
}

int simulated_ring::submit(unsigned count) {
    if (count == submission_entries_) kernel_.count(fault::full_submission_queue);
    if (kernel_.strikes(fault::submission_eagain)) return -EAGAIN;
    if (!overflow_.empty() && kernel_.strikes(fault::submission_ebusy)) return -EBUSY;
    if (count > 1 && kernel_.strikes(fault::partial_submission)) count = kernel_.random().between(1u, count - 1);
    for (unsigned index = 0; index < count; ++index) take(entries_[submission_head_++ & submission_mask_]);
    return static_cast<int>(count);
}

void simulated_ring::take(const io_uring_sqe& entry) {
    auto owned = std::make_unique<pending_request>(entry);
    pending_request& request = *owned;
    request.id = ++next_request_;
    requests_.emplace(request.id, std::move(owned));
    kernel_.record().add(
        {kernel_.now(), trace::what::submitted, number_, request.id, entry.opcode, entry.fd, entry.flags, nullptr});
    if (const int error = prepare(request); error < 0) {
        request.notification_due = true; // of memory that was never used, none comes
        return complete(request, error, 0);
    }
    if (request.on) request.on->add({number_, request.id});
    // A real kernel tries at once, and in order; but nobody may build on that.
    schedule_look(request, kernel_.strikes(fault::late_start) ? duration(1ms) : duration(0));
}

int simulated_ring::prepare(pending_request& request) {
    const io_uring_sqe& entry = request.entry;
    const bool selects = (entry.flags & IOSQE_BUFFER_SELECT) != 0;
    if (std::find(known_operations.begin(), known_operations.end(), entry.opcode) == known_operations.end())
        return -EINVAL;
    switch (entry.opcode) {
    case IORING_OP_RECV:
        request.multishot = (entry.ioprio & IORING_RECV_MULTISHOT) != 0;
        if (request.multishot && (!selects || (entry.msg_flags & MSG_WAITALL) != 0)) return -EINVAL;
        if (request.multishot && kernel_.lacks(missing::multishot_receive)) return -EINVAL;
        break;
    case IORING_OP_ACCEPT:
        request.multishot = (entry.ioprio & IORING_ACCEPT_MULTISHOT) != 0;
        if (request.multishot && kernel_.lacks(missing::multishot_accept)) return -EINVAL;
        break;
    case IORING_OP_POLL_ADD: request.multishot = (entry.len & IORING_POLL_ADD_MULTI) != 0; break;
    case IORING_OP_SEND_ZC:
        if ((entry.flags & IOSQE_CQE_SKIP_SUCCESS) != 0) return -EINVAL;
        break;
    case IORING_OP_MSG_RING:
        if (kernel_.lacks(missing::message_ring)) return -EINVAL;
        break;
    default: break;
    }
    if (uses_descriptor(entry)) {
        request.on = kernel_.find(entry.fd);
        if (!request.on && kernel_.is_closed(entry.fd))
            kernel_.violation(fmt::format("{} names descriptor {}, which was closed", name_of(request), entry.fd));
        if (!request.on) return -EBADF;
    }
    switch (entry.opcode) {
    case IORING_OP_SENDMSG: {
        const auto* message = pointer_to<const msghdr>(entry.addr);
        if (!memory::is_alive(message, sizeof *message))
            kernel_.violation(name_of(request) + " names a msghdr that is gone");
        request.pieces.assign(message->msg_iov, message->msg_iov + message->msg_iovlen);
        break;
    }
    case IORING_OP_RECV:
        if (!selects) request.pieces = {{pointer_to<void>(entry.addr), entry.len}};
        break;
    case IORING_OP_SEND:
    case IORING_OP_SEND_ZC:
    case IORING_OP_READ:
    case IORING_OP_WRITE: request.pieces = {{pointer_to<void>(entry.addr), entry.len}}; break;
    case IORING_OP_STATX: request.pieces = {{pointer_to<void>(entry.off), sizeof(struct statx)}}; [[fallthrough]];
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2: request.path = pointer_to<const char>(entry.addr); break;
    default: break;
    }
    check_memory(request);
    if (is_send(entry.opcode)) {
        if (!request.on->is_socket()) return -ENOTSOCK;
        check_lone_send(*request.on, name_of(request));
        request.content = sum_of(request.pieces);
    }
    return 0;
}

void simulated_ring::schedule_look(pending_request& request, duration most) {
    if (std::exchange(request.look_due, true)) return;
    later(most, [this, id = request.id] { look(id); });
}

void simulated_ring::look_again(std::uint64_t id) {
    const auto place = requests_.find(id);
    if (place == requests_.end() || overlooks(*place->second)) return;
    // From the change to its being noticed on the ring's thread.
    schedule_look(*place->second, kernel_.random().one_of<duration>(0ns, 1us, 200us));
}

/// Between a receive's taking data and its waiting for more, Linux 6.18 may miss that the peer has broken off or ended.
bool simulated_ring::overlooks(const pending_request& request) {
    constexpr duration between = 100us;
    const auto* socket = dynamic_cast<tcp_socket*>(request.on.get());
    return socket != nullptr && request.entry.opcode == IORING_OP_RECV && request.multishot && socket->at_end() &&
           socket->unread() == 0 && kernel_.now() - request.last_data < between &&
           kernel_.strikes(fault::unnoticed_hang_up);
}

void simulated_ring::look(std::uint64_t id) {
    const auto place = requests_.find(id);
    if (place == requests_.end()) return;
    pending_request& request = *place->second;
    request.look_due = false;
    if (request.notification_due) return;
    const int operation = request.entry.opcode;
    const bool connects = operation == IORING_OP_CONNECT && request.started;
    if (connects && kernel_.strikes(fault::interrupted_request)) {
        left_connects_.insert(request.entry.fd); // it goes on by itself
        return complete(request, -EINTR, 0);
    }
    if (may_be_interrupted(operation)) {
        if (request.multishot && kernel_.strikes(fault::multishot_ended_without_data))
            return complete(request, kernel_.random().one_of(-EINTR, -EAGAIN), 0);
        if (kernel_.strikes(fault::interrupted_request))
            return complete(request, request.done != 0 ? static_cast<int>(request.done) : -EINTR, 0);
        const bool repeated = is_send(operation) || operation == IORING_OP_RECV || operation == IORING_OP_ACCEPT;
        if (repeated && kernel_.strikes(fault::request_to_be_repeated))
            return complete(request, request.done != 0 ? static_cast<int>(request.done) : -EAGAIN, 0);
    }
    unsigned flags = 0;
    if (const outcome result = attempt(request, flags)) complete(request, *result, flags);
}

void simulated_ring::post_message(std::uint64_t data, int result) { post(0, IORING_OP_MSG_RING, data, result, 0); }

bool simulated_ring::may_go_on(pending_request& request, int result, unsigned flags) {
    if (!request.multishot || result < 0) return false;
    if (request.entry.opcode == IORING_OP_RECV && (result == 0 || (flags & IORING_CQE_F_BUFFER) == 0)) return false;
    // There is no room for another completion: this one is the last (io_uring_prep_recv_multishot(3)).
    if (is_full()) return false;
    // A poll ends for no other reason (io_poll_check_events in io_uring/poll.c).
    return request.entry.opcode == IORING_OP_POLL_ADD || !kernel_.strikes(fault::multishot_ended_with_data);
}

void simulated_ring::complete(pending_request& request, int result, unsigned flags) {
    check_memory(request);
    check_content(request);
    if (may_go_on(request, result, flags)) {
        flags |= IORING_CQE_F_MORE;
        // A poll tells of the next change; the others may have more at once.
        if (request.entry.opcode != IORING_OP_POLL_ADD)
            schedule_look(request, kernel_.random().one_of<duration>(0ns, 5us));
    }
    const bool notifies = request.entry.opcode == IORING_OP_SEND_ZC && !std::exchange(request.notification_due, true);
    if (notifies) {
        flags |= IORING_CQE_F_MORE;
        const bool late = kernel_.strikes(fault::late_notification);
        later(late ? duration(60s) : duration(1ms), [this, id = request.id] {
            const auto place = requests_.find(id);
            if (place == requests_.end()) return;
            check_content(*place->second);
            complete(*place->second, 0, IORING_CQE_F_NOTIF);
        });
    }
    // Less than all of what was to be sent as a whole is a failure.
    const bool falls_short = is_send(request.entry.opcode) && (request.entry.msg_flags & MSG_WAITALL) != 0 &&
                             result >= 0 && static_cast<std::size_t>(result) < size_of(request.pieces);
    const bool skipped = result >= 0 && !falls_short && (request.entry.flags & IOSQE_CQE_SKIP_SUCCESS) != 0 &&
                         (flags & IORING_CQE_F_MORE) == 0;
    const std::uint64_t id = request.id;
    const std::uint64_t data = request.entry.user_data;
    const int operation = request.entry.opcode;
    if ((flags & IORING_CQE_F_MORE) == 0) forget(id);
    if (!skipped) post(id, operation, data, result, flags);
}

void simulated_ring::forget(std::uint64_t id) {
    const auto place = requests_.find(id);
    if (place->second->on) place->second->on->remove({number_, id});
    requests_.erase(place);
}

void simulated_ring::post(std::uint64_t id, int operation, std::uint64_t data, int result, unsigned flags) {
    kernel_.record().add({kernel_.now(), trace::what::completed, number_, id, operation, result, flags, nullptr});
    io_uring_cqe completion{};
    completion.user_data = data;
    completion.res = result;
    completion.flags = flags;
    if (is_full()) {
        kernel_.count(fault::completion_queue_overflow);
        overflow_.push_back(completion);
        submission_flags_ |= IORING_SQ_CQ_OVERFLOW;
        return;
    }
    completed_[completion_tail_ & completion_mask_] = completion;
    std::atomic_ref(completion_tail_).store(completion_tail_ + 1, std::memory_order_release);
}

void simulated_ring::flush_overflow() {
    while (!overflow_.empty() && completions() != completion_entries_) {
        completed_[completion_tail_ & completion_mask_] = overflow_.front();
        overflow_.pop_front();
        std::atomic_ref(completion_tail_).store(completion_tail_ + 1, std::memory_order_release);
    }
    if (overflow_.empty()) submission_flags_ &= ~static_cast<unsigned>(IORING_SQ_CQ_OVERFLOW);
}

int simulated_ring::add_group(int id, io_uring_buf_ring* shared, unsigned entries) {
    if (groups_.contains(id)) return -EEXIST;
    groups_.emplace(id, std::make_unique<buffer_group>(kernel_, shared, entries));
    return 0;
}

int simulated_ring::remove_group(int id) { return groups_.erase(id) != 0 ? 0 : -EINVAL; }

std::size_t simulated_ring::buffers_away() const {
    std::size_t sum = 0;
    for (const auto& [id, group] : groups_) sum += group->away();
    return sum;
}

bool simulated_ring::has_group(int id) const { return groups_.contains(id); }

} // namespace simulation
