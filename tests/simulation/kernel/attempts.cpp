// What each kind of request does when the kernel looks at it: nothing, while it would have to wait.

#include "ring.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <utility>

namespace simulation {

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
    case IORING_OP_CONNECT: return attempt_connect(request);
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

outcome simulated_ring::attempt_connect(pending_request& request) {
    const io_uring_sqe& entry = request.entry;
    auto* socket = dynamic_cast<tcp_socket*>(request.on.get());
    if (socket == nullptr) return -ENOTSOCK;
    if (std::exchange(request.started, true)) return socket->connected();
    if (left_connects_.contains(entry.fd)) {
        const outcome result = socket->connected();
        if (!result) return -EALREADY;
        left_connects_.erase(entry.fd);
        return result;
    }
    const auto* where = pointer_to<const sockaddr>(entry.addr);
    const std::uint16_t port = where->sa_family == AF_INET6
                                   ? ntohs(reinterpret_cast<const sockaddr_in6*>(where)->sin6_port)
                                   : ntohs(reinterpret_cast<const sockaddr_in*>(where)->sin_port);
    if (const int error = socket->connect(port, where); error < 0) return error;
    if (kernel_.probability(fault::interrupted_request) > 0) schedule_look(request, 1ms);
    return socket->connected();
}

std::size_t simulated_ring::perhaps_less(std::size_t size, std::size_t possible, fault kind) {
    possible = std::min(size, possible);
    return possible > 1 && kernel_.strikes(kind) ? kernel_.random().between<std::size_t>(1, possible - 1) : size;
}

outcome simulated_ring::attempt_receive(pending_request& request, unsigned& flags) {
    check_memory(request);
    file& from = *request.on;
    if (!from.is_socket()) return -ENOTSOCK;
    if ((request.entry.flags & IOSQE_BUFFER_SELECT) == 0)
        return from.read(static_cast<char*>(request.pieces[0].iov_base),
                         perhaps_less(request.pieces[0].iov_len, from.readable(), fault::short_receive));

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
    const std::size_t most =
        request.entry.len != 0 ? std::min<std::size_t>(picked.size, request.entry.len) : picked.size;
    const outcome got = from.read(picked.start, perhaps_less(most, from.readable(), fault::short_receive));
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
        const std::size_t tried = perhaps_less(size, request.on->writable(), fault::short_send);
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
    if (const int error = kernel_.lack_of_descriptors(); error < 0) return error;
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
    const bool reads = request.entry.opcode == IORING_OP_READ;
    if (regular != nullptr && kernel_.strikes(fault::failing_disk)) return -EIO;
    if (regular != nullptr && !reads && kernel_.strikes(fault::full_disk)) return -ENOSPC;
    const bool at_the_position = request.entry.off == ~std::uint64_t{0};
    const std::size_t before = regular != nullptr ? regular->position() : 0;
    if (regular != nullptr && !at_the_position) regular->move_to(static_cast<std::size_t>(request.entry.off));
    const iovec& piece = request.pieces[0];
    auto* start = static_cast<char*>(piece.iov_base);
    std::size_t size = piece.iov_len;
    if (reads)
        size = perhaps_less(size, request.on->readable(), fault::short_receive);
    else
        size = perhaps_less(size, request.on->writable(), fault::short_send);
    const outcome result = reads ? request.on->read(start, size) : request.on->write(start, size);
    if (regular != nullptr && !at_the_position) regular->move_to(before);
    return result;
}

outcome simulated_ring::attempt_open(pending_request& request) {
    check_memory(request);
    auto& disk = kernel_.disk();
    const io_uring_sqe& entry = request.entry;
    std::uint64_t flags = entry.open_flags;
    if (entry.opcode == IORING_OP_OPENAT2) flags = pointer_to<const open_how>(entry.off)->flags;
    const auto from = kernel_.find_as<folder_file>(entry.fd);
    const std::string path = !from                 ? request.path
                             : request.path == "." ? from->path()
                                                   : from->path() + "/" + request.path;
    auto place = disk.find(path);
    if (entry.opcode == IORING_OP_STATX) {
        if (place == disk.end()) return -ENOENT;
        struct statx told {};
        told.stx_mask = STATX_BASIC_STATS;
        told.stx_mode = S_IFREG | 0644;
        told.stx_size = place->second->size();
        *pointer_to<struct statx>(entry.off) = told;
        return 0;
    }
    if (const int error = kernel_.lack_of_descriptors(); error < 0) return error;
    if (kernel_.strikes(fault::failing_disk)) return -EIO;
    if (kernel_.is_folder(path)) return kernel_.open(std::make_shared<folder_file>(kernel_, path));
    if (place != disk.end() && (flags & O_DIRECTORY) != 0) return -ENOTDIR;
    if (place != disk.end() && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -EEXIST;
    if (place == disk.end()) {
        if ((flags & O_CREAT) == 0) return -ENOENT;
        if (kernel_.strikes(fault::full_disk)) return -ENOSPC;
        place = disk.emplace(path, std::make_shared<std::string>()).first;
    }
    if ((flags & O_TRUNC) != 0) place->second->clear();
    return kernel_.open(std::make_shared<regular_file>(kernel_, place->second, static_cast<int>(flags)));
}

int simulated_ring::send_message(const pending_request& request) {
    simulated_ring* target = kernel_.ring_with(request.entry.fd);
    if (target == nullptr) {
        // One that was closed is legal: a loop may end while a wake-up is on its way.
        return kernel_.find(request.entry.fd) ? -EBADFD : -EBADF;
    }
    if (kernel_.strikes(fault::message_refused)) return kernel_.random().one_of(-EOVERFLOW, -ENOMEM);
    target->post_message(request.entry.off, static_cast<int>(request.entry.len));
    return 0;
}

} // namespace simulation
