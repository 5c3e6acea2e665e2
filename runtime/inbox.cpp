#include <tuyau/runtime/inbox.hpp>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/ring.hpp>
#include <tuyau/runtime/ring_trouble.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {

inbox::inbox(ring& owner) : owner_(owner), ring_fd_(owner.descriptor()), event_fd_(system::open_event()) {
    if (event_fd_ < 0) throw ring_error(-event_fd_, std::system_category(), explain(-event_fd_).text());
    watch();
}

inbox::~inbox() { system::close(event_fd_); }

bool inbox::post(message& letter) noexcept {
    return put(letter, [this] {
        loop* here = loop::current_or_null();
        if (here == nullptr || !here->wake_through_ring(*this)) raise_once();
    });
}

bool inbox::post_now(message& letter) noexcept {
    return put(letter, [this] { raise_once(); });
}

template <class Wake>
bool inbox::put(message& letter, Wake wake) noexcept {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    letters_.push_back(letter);
    // Under the lock: once it is released the loop may deliver the message, and end.
    has_mail_.store(true, std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_seq_cst)) wake();
    return true;
}

void inbox::raise_once() noexcept {
    // Not so for a wake-up through a ring, which leaves later: whoever posts before that still wakes the loop at once.
    if (asleep_.exchange(false)) raise();
}

void inbox::raise() noexcept { system::raise_event(event_fd_); }

void inbox::withdraw(message& letter) noexcept {
    const std::lock_guard lock(mutex_);
    letter.unlink();
}

void inbox::deliver_all() {
    {
        const std::lock_guard lock(mutex_);
        has_mail_.store(false, std::memory_order_relaxed);
        while (message* letter = letters_.pop_front()) arrived_.push_back(*letter);
    }
    // Not from a list of this call: a message may destroy what has to wait for one that came with it.
    while (message* letter = arrived_.pop_front()) letter->deliver();
}

void inbox::close() noexcept {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        while (message* letter = letters_.pop_front()) arrived_.push_back(*letter);
    }
    while (message* letter = arrived_.pop_front()) letter->discard();
}

void inbox::watch() noexcept { owner_.watch(event_fd_, *this); }

void inbox::complete(int, unsigned flags) noexcept {
    if ((flags & IORING_CQE_F_MORE) == 0 && !loop::current().closing()) watch();
}

} // namespace tuyau
