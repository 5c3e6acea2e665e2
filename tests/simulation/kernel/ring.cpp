#include "ring.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <utility>

#include "memory.hpp"

namespace simulation {
namespace {

bool is_send(int operation) noexcept {
    return operation == IORING_OP_SEND || operation == IORING_OP_SENDMSG || operation == IORING_OP_SEND_ZC;
}

bool uses_descriptor(int operation) noexcept {
    switch (operation) {
    case IORING_OP_NOP:
    case IORING_OP_TIMEOUT:
    case IORING_OP_ASYNC_CANCEL:
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
    case IORING_OP_CLOSE:
    case IORING_OP_STATX:
    case IORING_OP_MSG_RING: return false;
    default: return true;
    }
}

/// May end at any time for no reason that concerns the program.
bool may_be_interrupted(int operation) noexcept {
    return is_send(operation) || operation == IORING_OP_RECV || operation == IORING_OP_ACCEPT ||
           operation == IORING_OP_READ || operation == IORING_OP_WRITE;
}

/// A sum that differs when what is to be sent was changed meanwhile.
std::uint64_t sum_of(const std::vector<iovec>& pieces) noexcept {
    constexpr std::size_t most_looked_at = 65536;
    std::uint64_t sum = 0xcbf29ce484222325;
    std::size_t looked_at = 0;
    for (const iovec& piece : pieces) {
        const auto* bytes = static_cast<const unsigned char*>(piece.iov_base);
        for (std::size_t index = 0; index < piece.iov_len && looked_at < most_looked_at; ++index, ++looked_at)
            sum = (sum ^ bytes[index]) * 0x100000001b3;
    }
    return sum;
}

std::size_t size_of(const std::vector<iovec>& pieces) noexcept {
    std::size_t size = 0;
    for (const iovec& piece : pieces) size += piece.iov_len;
    return size;
}

template <class T>
T* pointer_to(std::uint64_t address) noexcept {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address)); // NOLINT(performance-no-int-to-ptr)
}

} // namespace

buffer_group::buffer_group(kernel& owner, io_uring_buf_ring* shared, unsigned entries)
    : kernel_(owner), shared_(shared), entries_(entries), seen_(shared->tail) {}

buffer_group::~buffer_group() {
    for (const lent& each : lent_) memory::permit(each.start, each.size);
}

void buffer_group::take_in() {
    const std::uint16_t tail = std::atomic_ref(shared_->tail).load(std::memory_order_acquire);
    for (; seen_ != tail; ++seen_) {
        const io_uring_buf& added = shared_->bufs[seen_ & (entries_ - 1)];
        const lent next{added.bid, pointer_to<char>(added.addr), added.len};
        if (!ids_.insert(next.id).second) kernel_.violation(fmt::format("buffer {} was lent twice", next.id));
        kernel_.see_buffer(next.id);
        if (lent_.size() == entries_) kernel_.violation("more buffers were lent than there is room for");
        if (!memory::is_alive(next.start, next.size))
            kernel_.violation(fmt::format("buffer {} was lent, and its memory is gone", next.id));
        memory::forbid(next.start, next.size);
        lent_.push_back(next);
    }
}

buffer_group::lent buffer_group::pick() {
    const lent picked = lent_.front();
    lent_.pop_front();
    ids_.erase(picked.id);
    memory::permit(picked.start, picked.size);
    return picked;
}

void buffer_group::put_back(const lent& unused) {
    ids_.insert(unused.id);
    memory::forbid(unused.start, unused.size);
    lent_.push_front(unused);
}

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
    for (auto& [id, request] : requests_) {
        const bool names_something =
            uses_descriptor(request->entry.opcode) && dynamic_cast<event_file*>(request->on.get()) == nullptr;
        if (names_something) kernel_.violation(name_of(*request) + " was in flight when its ring was closed");
        if (request->on) request->on->remove({number_, id});
    }
    self_.reset();
    kernel_.remove(*this);
    kernel_.close(descriptor_);
    user_ = {};
}

template <class Function>
void simulated_ring::later(duration most, Function function) {
    kernel_.time().after(kernel_.random_delay(most),
                         [alive = std::weak_ptr(self_), function = std::move(function)] {
                             if (!alive.expired()) function();
                         });
}

io_uring_cqe* simulated_ring::first_completion() noexcept {
    return completions() != 0 ? &completed_[completion_head_ & completion_mask_] : nullptr;
}

int simulated_ring::enter(unsigned wait_for, std::optional<duration> limit, bool get_events) {
    kernel_.time().advance(kernel_.now() + kernel_.random_delay(3us)); // since the last call
    for (auto& [id, group] : groups_) group->take_in();
    for (auto& [id, request] : requests_) check_memory(*request);

    const unsigned count = user_.sq.sqe_tail - submission_head_;
    submission_tail_ = user_.sq.sqe_head = user_.sq.sqe_tail;
    const int submitted = count == 0 ? 0 : submit(count);
    kernel_.record().add({kernel_.now(), trace::what::entered, number_, 0, static_cast<int>(count), submitted, wait_for,
                          nullptr});
    if (submitted != static_cast<int>(count) || !get_events) return submitted;
    kernel_.time().advance(kernel_.now());
    flush_overflow();
    if (wait_for == 0 || completions() >= wait_for) return submitted;
    if (kernel_.strikes(fault::interrupted_wait)) return submitted != 0 ? submitted : -EINTR;
    if (kernel_.strikes(fault::spurious_wake_up)) return submitted;
    kernel_.sleep(*this, wait_for, limit ? std::optional(kernel_.now() + *limit) : std::nullopt);
    kernel_.time().advance(kernel_.now() + kernel_.random_delay(20us)); // until the thread runs, more may come
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
    kernel_.record().add({kernel_.now(), trace::what::submitted, number_, request.id, entry.opcode, entry.fd,
                          entry.flags, nullptr});
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
    if (uses_descriptor(entry.opcode)) {
        request.on = kernel_.find(entry.fd);
        if (!request.on && kernel_.is_closed(entry.fd))
            kernel_.violation(fmt::format("{} names descriptor {}, which was closed", name_of(request), entry.fd));
        if (!request.on) return -EBADF;
    }
    switch (entry.opcode) {
    case IORING_OP_SENDMSG: {
        const auto* message = pointer_to<const msghdr>(entry.addr);
        if (!memory::is_alive(message, sizeof *message)) kernel_.violation(name_of(request) + " names a msghdr that is gone");
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
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
    case IORING_OP_STATX: request.path = pointer_to<const char>(entry.addr); break;
    default: break;
    }
    check_memory(request);
    if (is_send(entry.opcode)) {
        if (!request.on->is_socket()) return -ENOTSOCK;
        check_lone_send(request);
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

outcome simulated_ring::attempt(pending_request& request, unsigned& flags) {
    const io_uring_sqe& entry = request.entry;
    switch (entry.opcode) {
    case IORING_OP_NOP: return 0;
    case IORING_OP_RECV: return attempt_receive(request, flags);
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
    case IORING_OP_SEND_ZC: return attempt_send(request);
    case IORING_OP_ACCEPT: return attempt_accept(request);
    case IORING_OP_POLL_ADD: return attempt_poll(request);
    case IORING_OP_READ:
    case IORING_OP_WRITE: return attempt_transfer(request);
    case IORING_OP_CONNECT: {
        auto* socket = dynamic_cast<tcp_socket*>(request.on.get());
        if (socket == nullptr) return -ENOTSOCK;
        if (!std::exchange(request.started, true)) {
            const auto* where = pointer_to<const sockaddr>(entry.addr);
            const std::uint16_t port = where->sa_family == AF_INET6
                                           ? ntohs(reinterpret_cast<const sockaddr_in6*>(where)->sin6_port)
                                           : ntohs(reinterpret_cast<const sockaddr_in*>(where)->sin_port);
            if (const int error = socket->connect(port, where); error < 0) return error;
        }
        return socket->connected();
    }
    case IORING_OP_TIMEOUT:
        if (std::exchange(request.started, true)) return -ETIME;
        {
            const auto* span = pointer_to<const __kernel_timespec>(entry.addr);
            request.look_due = true;
            kernel_.time().after(std::chrono::seconds(span->tv_sec) + std::chrono::nanoseconds(span->tv_nsec),
                                 [this, alive = std::weak_ptr(self_), id = request.id] {
                                     if (!alive.expired()) look(id);
                                 });
        }
        return std::nullopt;
    case IORING_OP_ASYNC_CANCEL: return cancel(request);
    case IORING_OP_MSG_RING: return send_message(request);
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
    case IORING_OP_STATX: return attempt_open(request);
    case IORING_OP_CLOSE: return kernel_.close(entry.fd);
    default: return -EINVAL;
    }
}

std::size_t simulated_ring::perhaps_less(std::size_t size, fault kind) {
    return size > 1 && kernel_.strikes(kind) ? kernel_.random().between<std::size_t>(1, size) : size;
}

outcome simulated_ring::attempt_receive(pending_request& request, unsigned& flags) {
    check_memory(request);
    file& from = *request.on;
    if (!from.is_socket()) return -ENOTSOCK;
    if ((request.entry.flags & IOSQE_BUFFER_SELECT) == 0)
        return from.read(static_cast<char*>(request.pieces[0].iov_base),
                         perhaps_less(request.pieces[0].iov_len, fault::short_receive));

    const auto place = groups_.find(request.entry.buf_group);
    if (place == groups_.end()) return -ENOBUFS;
    buffer_group& group = *place->second;
    group.take_in();
    const bool first_look = !std::exchange(request.started, true);
    const bool readable = (from.readiness() & POLLIN) != 0;
    // A real kernel finds out without data when the request is new, and with it later (io_uring/net.c).
    if (group.empty()) return readable || first_look ? outcome(-ENOBUFS) : std::nullopt;
    if (!readable) return std::nullopt;
    if (kernel_.strikes(fault::no_buffers)) return -ENOBUFS;
    const buffer_group::lent picked = group.pick();
    const std::size_t most = request.entry.len != 0 ? std::min<std::size_t>(picked.size, request.entry.len) : picked.size;
    const outcome got = from.read(picked.start, perhaps_less(most, fault::short_receive));
    if (got && *got > 0) request.last_data = kernel_.now();
    const bool given = (got && *got > 0) || (got && *got == 0 && kernel_.strikes(fault::buffer_without_data));
    if (given)
        flags = IORING_CQE_F_BUFFER | (static_cast<unsigned>(picked.id) << IORING_CQE_BUFFER_SHIFT);
    else
        group.put_back(picked);
    return got;
}

outcome simulated_ring::attempt_send(pending_request& request) {
    check_memory(request);
    const std::size_t whole = size_of(request.pieces);
    const bool goes_on = (request.entry.msg_flags & MSG_WAITALL) != 0;
    do {
        std::size_t skipped = request.done;
        const char* start = nullptr;
        std::size_t size = 0;
        for (const iovec& piece : request.pieces) {
            if (skipped >= piece.iov_len) {
                skipped -= piece.iov_len;
                continue;
            }
            start = static_cast<const char*>(piece.iov_base) + skipped;
            size = piece.iov_len - skipped;
            break;
        }
        const std::size_t tried = perhaps_less(size, fault::short_send);
        const outcome sent = request.on->write(start, tried);
        if (!sent) return std::nullopt;
        if (*sent < 0) return request.done != 0 ? static_cast<int>(request.done) : *sent;
        request.done += static_cast<std::size_t>(*sent);
        // MSG_WAITALL or not: a signal to the kernel's own worker ends it, for instance.
        if (!goes_on || tried < size) break;
    } while (request.done < whole);
    return static_cast<int>(request.done);
}

outcome simulated_ring::attempt_accept(pending_request& request) {
    auto* listener = dynamic_cast<tcp_socket*>(request.on.get());
    if (listener == nullptr) return -ENOTSOCK;
    if (!listener->is_listening() || listener->at_end()) return -EINVAL;
    if (!listener->has_connections()) return std::nullopt;
    if (!kernel_.has_room_for_descriptor()) {
        kernel_.count(fault::process_out_of_descriptors);
        return -EMFILE;
    }
    if (kernel_.strikes(fault::process_out_of_descriptors)) return -EMFILE;
    if (kernel_.strikes(fault::system_out_of_descriptors)) return -ENFILE;
    if (kernel_.strikes(fault::out_of_network_memory)) return kernel_.random().one_of(-ENOBUFS, -ENOMEM);
    if (kernel_.strikes(fault::aborted_accept)) {
        const int error = kernel_.random().one_of(-ECONNABORTED, -EPROTO, -ENETUNREACH, -EHOSTUNREACH);
        if (const auto lost = listener->accept()) lost->set_reset_on_close();
        return error;
    }
    return kernel_.open(listener->accept());
}

outcome simulated_ring::attempt_poll(pending_request& request) {
    const int asked = static_cast<int>(request.entry.poll32_events) | POLLERR | POLLHUP | POLLRDHUP;
    const int ready = request.on->readiness() & asked;
    return ready != 0 ? outcome(ready) : std::nullopt;
}

outcome simulated_ring::attempt_transfer(pending_request& request) {
    check_memory(request);
    auto* regular = dynamic_cast<regular_file*>(request.on.get());
    const bool at_the_position = request.entry.off == ~std::uint64_t{0};
    const std::size_t before = regular != nullptr ? regular->position() : 0;
    if (regular != nullptr && !at_the_position) regular->move_to(static_cast<std::size_t>(request.entry.off));
    const iovec& piece = request.pieces[0];
    auto* start = static_cast<char*>(piece.iov_base);
    const bool reads = request.entry.opcode == IORING_OP_READ;
    std::size_t size = piece.iov_len;
    if (request.on->is_stream_of_bytes()) size = perhaps_less(size, reads ? fault::short_receive : fault::short_send);
    const outcome result = reads ? request.on->read(start, size) : request.on->write(start, size);
    if (regular != nullptr && !at_the_position) regular->move_to(before);
    return result;
}

outcome simulated_ring::attempt_open(pending_request& request) {
    auto& disk = kernel_.disk();
    const io_uring_sqe& entry = request.entry;
    std::uint64_t flags = entry.open_flags;
    if (entry.opcode == IORING_OP_OPENAT2) flags = pointer_to<const open_how>(entry.off)->flags;
    auto place = disk.find(request.path);
    if (entry.opcode == IORING_OP_STATX) {
        if (place == disk.end()) return -ENOENT;
        struct statx told{};
        told.stx_mask = STATX_BASIC_STATS;
        told.stx_mode = S_IFREG | 0644;
        told.stx_size = place->second->size();
        *pointer_to<struct statx>(entry.off) = told;
        return 0;
    }
    if (!kernel_.has_room_for_descriptor() || kernel_.strikes(fault::process_out_of_descriptors)) return -EMFILE;
    if (place != disk.end() && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -EEXIST;
    if (place == disk.end()) {
        if ((flags & O_CREAT) == 0) return -ENOENT;
        place = disk.emplace(request.path, std::make_shared<std::string>()).first;
    }
    if ((flags & O_TRUNC) != 0) place->second->clear();
    return kernel_.open(std::make_shared<regular_file>(kernel_, place->second, static_cast<int>(flags)));
}

int simulated_ring::cancel(const pending_request& request) {
    const unsigned flags = request.entry.cancel_flags;
    const bool any = (flags & IORING_ASYNC_CANCEL_ANY) != 0;
    const bool all = any || (flags & IORING_ASYNC_CANCEL_ALL) != 0;
    int found = 0;
    int result = -ENOENT;
    std::vector<std::uint64_t> targets;
    for (auto& [id, each] : requests_) {
        if (each->entry.opcode == IORING_OP_ASYNC_CANCEL || each->notification_due) continue;
        if (any || each->entry.user_data == request.entry.addr) targets.push_back(id);
    }
    for (const std::uint64_t id : targets) {
        if (kernel_.strikes(fault::cancel_not_found)) continue; // on its way between two parts of the kernel
        ++found;
        result = 0;
        if (kernel_.strikes(fault::cancel_of_one_that_runs)) {
            result = -EALREADY;
            later(2ms, [this, id] { finish_cancelled(id, -EINTR); });
        } else {
            cancel_one(*requests_.at(id));
        }
        if (!all) break;
    }
    return all ? found : result;
}

void simulated_ring::cancel_one(pending_request& target) {
    const std::uint64_t id = target.id;
    if (kernel_.probability(fault::result_despite_cancel) > 0 && target.entry.opcode != IORING_OP_TIMEOUT) {
        unsigned flags = 0;
        const outcome result = kernel_.random().chance(0.5) ? attempt(target, flags) : std::nullopt;
        if (result) {
            kernel_.count(fault::result_despite_cancel);
            return complete(target, *result, flags);
        }
    }
    later(kernel_.random().one_of<duration>(0ns, 0ns, 500us), [this, id] { finish_cancelled(id, -ECANCELED); });
}

void simulated_ring::finish_cancelled(std::uint64_t id, int result) {
    const auto place = requests_.find(id);
    if (place == requests_.end() || place->second->notification_due) return;
    pending_request& request = *place->second;
    complete(request, request.done != 0 ? static_cast<int>(request.done) : result, 0);
}

int simulated_ring::send_message(const pending_request& request) {
    simulated_ring* target = kernel_.ring_with(request.entry.fd);
    if (target == nullptr) {
        // One that was closed is legal: a loop may end while a wake-up is on its way.
        return kernel_.find(request.entry.fd) ? -EBADFD : -EBADF;
    }
    target->post_message(request.entry.off, static_cast<int>(request.entry.len));
    return 0;
}

void simulated_ring::post_message(std::uint64_t data, int result) {
    post(0, IORING_OP_MSG_RING, data, result, 0);
}

bool simulated_ring::may_go_on(pending_request& request, int result, unsigned flags) {
    if (!request.multishot || result < 0) return false;
    if (request.entry.opcode == IORING_OP_RECV && (result == 0 || (flags & IORING_CQE_F_BUFFER) == 0)) return false;
    // There is no room for another completion: this one is the last (io_uring_prep_recv_multishot(3)).
    if (is_full()) return false;
    return request.entry.opcode == IORING_OP_POLL_ADD || !kernel_.strikes(fault::multishot_ended_with_data);
}

void simulated_ring::complete(pending_request& request, int result, unsigned flags) {
    check_memory(request);
    check_content(request);
    if (may_go_on(request, result, flags)) {
        flags |= IORING_CQE_F_MORE;
        // A poll tells of the next change; the others may have more at once.
        if (request.entry.opcode != IORING_OP_POLL_ADD) schedule_look(request, kernel_.random().one_of<duration>(0ns, 5us));
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

bool simulated_ring::has_group(int id) const { return groups_.contains(id); }

void simulated_ring::check_memory(const pending_request& request) {
    for (const iovec& piece : request.pieces)
        if (!memory::is_alive(piece.iov_base, piece.iov_len))
            kernel_.violation(name_of(request) + " names memory that is gone");
}

void simulated_ring::check_content(const pending_request& request) {
    if (request.content != 0 && sum_of(request.pieces) != request.content) // 0: it was refused before it was looked at
        kernel_.violation("the bytes of " + name_of(request) + " were changed while it was in flight");
}

void simulated_ring::check_lone_send(const pending_request& request) {
    for (const file::waiting_request& each : request.on->waiting()) {
        const auto place = requests_.find(each.request);
        if (each.ring != number_ || place == requests_.end() || place->second->notification_due) continue;
        if (is_send(place->second->entry.opcode))
            kernel_.violation(fmt::format("{} was submitted while #{} still sends on the same socket", name_of(request),
                                          place->second->id));
    }
}

std::string simulated_ring::name_of(const pending_request& request) const {
    return fmt::format("request #{} ({})", request.id, trace::name_of_operation(request.entry.opcode));
}

} // namespace simulation
