#include "request.hpp"

#include <algorithm>
#include <fcntl.h>
#include <functional>
#include <string_view>

namespace simulation {

bool is_send(int operation) noexcept {
    return operation == IORING_OP_SEND || operation == IORING_OP_SENDMSG || operation == IORING_OP_SEND_ZC;
}

bool uses_descriptor(const io_uring_sqe& entry) noexcept {
    switch (entry.opcode) {
    case IORING_OP_NOP:
    case IORING_OP_TIMEOUT:
    case IORING_OP_ASYNC_CANCEL:
    case IORING_OP_CLOSE:
    case IORING_OP_MSG_RING: return false;
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
    case IORING_OP_STATX: return entry.fd != AT_FDCWD;
    default: return true;
    }
}

bool may_be_interrupted(int operation) noexcept {
    return is_send(operation) || operation == IORING_OP_RECV || operation == IORING_OP_ACCEPT ||
           operation == IORING_OP_READ || operation == IORING_OP_WRITE || operation == IORING_OP_OPENAT ||
           operation == IORING_OP_OPENAT2;
}

std::uint64_t sum_of(const std::vector<iovec>& pieces) noexcept {
    constexpr std::size_t most_looked_at = 65536;
    std::uint64_t sum = 0;
    std::size_t left = most_looked_at;
    for (const iovec& piece : pieces) {
        const std::string_view bytes(static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, left));
        sum = sum * 0x100000001b3 + std::hash<std::string_view>()(bytes); // fast, as a fuzzer does not look into it
        left -= bytes.size();
    }
    return sum;
}

std::size_t size_of(const std::vector<iovec>& pieces) noexcept {
    std::size_t size = 0;
    for (const iovec& piece : pieces) size += piece.iov_len;
    return size;
}

} // namespace simulation
