#include "request.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace simulation {

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

bool looks_in_folder(int operation) noexcept {
    return operation == IORING_OP_OPENAT || operation == IORING_OP_OPENAT2 || operation == IORING_OP_STATX;
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
