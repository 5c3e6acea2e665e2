#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include <tuyau/runtime/completion.hpp>
#include <tuyau/runtime/list.hpp>

namespace tuyau {

class ring;

/// Something that one thread hands to the loop of another: see `inbox`. Owned by whoever posts it, who keeps it until it
/// has been delivered, discarded or withdrawn.
class message : public list_node {
public:
    /// On the loop's thread, once per posting. Resumes no coroutine: it puts them among the ready ones.
    virtual void deliver() noexcept = 0;

    /// In place of `deliver` when the loop ends first, on its thread.
    virtual void discard() noexcept {}

protected:
    ~message() = default;
};

/// Where other threads leave messages for a loop, and wake it if it sleeps: through the sender's own ring
/// (IORING_OP_MSG_RING) when the sender has a loop, through an eventfd otherwise. Posting allocates nothing.
///
/// Kept alive by all who may post to it, so that posting to a loop that has ended is refused, not undefined.
class inbox final : public std::enable_shared_from_this<inbox>, private completion_target {
public:
    /// Throws `ring_error` when no descriptor is left for the eventfd.
    explicit inbox(ring& owner);
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;
    ~inbox();

    /// Any thread. From a loop's thread the wake-up leaves with that loop's next submission. False when the loop has
    /// ended: the message is not taken.
    bool post(message& letter) noexcept;

    /// The same, with the wake-up sent before this returns: for a thread that is about to block.
    bool post_now(message& letter) noexcept;

    /// On the loop's thread: takes a message back that was not delivered yet, if it is there.
    void withdraw(message& letter) noexcept;

    /// On the loop's thread: delivers what has come.
    void deliver() {
        if (has_mail_.load(std::memory_order_relaxed) || !arrived_.empty()) [[unlikely]]
            deliver_all();
    }

    /// On the loop's thread, before it sleeps: false when something has come, so that it must not. `awake` follows.
    bool may_sleep() noexcept {
        // Here a store before a load, in `put` the other store before the other load, all in one order: one of the two
        // sees what the other did.
        asleep_.store(true, std::memory_order_seq_cst);
        return !has_mail_.load(std::memory_order_seq_cst);
    }
    void awake() noexcept { asleep_.store(false, std::memory_order_relaxed); }

    /// On the loop's thread: nothing is taken any more, and what has come is discarded.
    void close() noexcept;

    /// Tells the loop to look, whether it sleeps or not. Any thread.
    void raise() noexcept;

    int ring_descriptor() const noexcept { return ring_fd_; }

private:
    template <class Wake>
    bool put(message& letter, Wake wake) noexcept;
    void raise_once() noexcept;
    void deliver_all();
    void watch() noexcept;
    void complete(int outcome, unsigned flags) noexcept override;

    ring& owner_; // used on its own thread only
    int ring_fd_;
    int event_fd_;
    std::atomic<bool> has_mail_ = false; // set under mutex_
    std::atomic<bool> asleep_ = false;
    std::mutex mutex_;
    list<message> letters_; // under mutex_, as is closed_
    bool closed_ = false;
    list<message> arrived_; // the loop's own: about to be delivered
};

} // namespace tuyau
