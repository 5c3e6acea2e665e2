#include <tuyau/net/tls/block.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include <tuyau/runtime/frame_pool.hpp>

namespace tuyau::detail {
namespace {

constexpr std::size_t most_kept = 64; // blocks, a megabyte

/// The idle blocks of one thread. Under address sanitizer none is kept, so that a use of one that was given back is seen.
struct idle_blocks {
    std::vector<char*> list;
    bool ended = false;

    ~idle_blocks() {
        ended = true;
        for (char* each : list) ::operator delete(each, tls_block::size);
        list.clear();
    }
};

thread_local idle_blocks idle;

} // namespace

tls_block tls_block::take() {
    tls_block taken;
    if (idle.list.empty()) {
        taken.memory_ = static_cast<char*>(::operator new(size));
    } else {
        taken.memory_ = idle.list.back();
        idle.list.pop_back();
    }
    return taken;
}

void tls_block::give_back() noexcept {
    char* memory = std::exchange(memory_, nullptr);
    if (memory == nullptr) return;
    if (!frame_pool::detail::poisons && !idle.ended && idle.list.size() < most_kept) {
        try {
            idle.list.push_back(memory);
            return;
        } catch (const std::bad_alloc&) { // then it is not kept
        }
    }
    ::operator delete(memory, size);
}

void tls_output::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t used = pieces_.empty() ? tls_block::size : pieces_.back().iov_len;
        if (used == tls_block::size) {
            blocks_.push_back(tls_block::take());
            try {
                pieces_.push_back({blocks_.back().data(), 0});
            } catch (...) {
                blocks_.pop_back();
                throw;
            }
        }
        iovec& last = pieces_.back();
        const std::size_t part = std::min(bytes.size(), tls_block::size - last.iov_len);
        std::memcpy(static_cast<char*>(last.iov_base) + last.iov_len, bytes.data(), part);
        last.iov_len += part;
        size_ += part;
        bytes.remove_prefix(part);
    }
}

} // namespace tuyau::detail
