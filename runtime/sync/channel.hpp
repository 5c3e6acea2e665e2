#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/sync/waiting.hpp>

namespace tuyau {

namespace detail {

template <class T, class Policy>
class basic_channel {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "an item on its way must not be lost: give its type a move that cannot throw, or send a unique_ptr");

public:
    using policy = Policy;

    /// Throws `std::bad_alloc` when there is no memory for so many items.
    explicit basic_channel(std::size_t capacity) : slots_(new std::optional<T>[capacity]), capacity_(capacity) {
        require(capacity > 0, "a channel needs room for at least one item");
    }
    basic_channel(const basic_channel&) = delete;
    basic_channel& operator=(const basic_channel&) = delete;
    ~basic_channel() {
        const std::lock_guard lock(mutex_); // who woke the last waiter may not have let go of it yet
        require(senders_.empty() && receivers_.empty() && promised_ == 0,
                "a channel was destroyed while a coroutine waits on it");
    }

    std::size_t capacity() const noexcept { return capacity_; }

    std::size_t size() const noexcept {
        const std::lock_guard lock(mutex_);
        return size_;
    }

    bool closed() const noexcept {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

    /// No more items: who waits to send fails, who receives gets what is left.
    void close() noexcept {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        while (auto* waiting = senders_.pop_front()) static_cast<send_operation&>(*waiting).wake_up();
        while (auto* waiting = receivers_.pop_front()) static_cast<receive_operation&>(*waiting).wake_up();
    }

    /// Puts `item` in if there is room and the channel is open; whether it did. `item` is left as it was if not.
    bool try_send(T&& item) {
        const std::lock_guard lock(mutex_);
        return put_if_room(item);
    }
    bool try_send(const T& item) { return try_send(T(item)); }

    /// The next item, if there is one that nobody else is about to take.
    std::optional<T> try_receive() {
        const std::lock_guard lock(mutex_);
        if (promised_ != 0 || size_ == 0) return std::nullopt;
        return take();
    }

    class send_operation;
    class receive_operation;

    /// `result<void>`: waits for room, then puts `item` in. `broken_pipe` when the channel is closed, `operation_canceled`
    /// when the awaiting task is asked to stop first.
    [[nodiscard]] send_operation send(T item) { return send_operation(*this, std::move(item)); }

    /// `result<T>`: waits for an item. `broken_pipe` when the channel is closed and drained, `operation_canceled` when the
    /// awaiting task is asked to stop first.
    [[nodiscard]] receive_operation receive() noexcept { return receive_operation(*this); }

private:
    friend class queued<basic_channel>;

    // All below: under the lock.

    bool put_if_room(T& item) {
        if (closed_ || size_ == capacity_) return false;
        put(std::move(item));
        return true;
    }

    void put(T&& item) {
        slots_[(first_ + size_) % capacity_].emplace(std::move(item));
        ++size_;
        wake_receiver();
    }

    /// Promises the next item to who has waited longest; it stays in its slot until that receiver runs.
    void wake_receiver() noexcept {
        if (size_ == promised_) return;
        if (auto* waiting = static_cast<receive_operation*>(receivers_.pop_front())) {
            ++promised_;
            waiting->promised_ = true;
            waiting->wake_up();
        }
    }

    T take() {
        T item = std::move(*slots_[first_]);
        slots_[first_].reset();
        first_ = (first_ + 1) % capacity_;
        --size_;
        if (auto* waiting = static_cast<send_operation*>(senders_.pop_front())) {
            waiting->sent_ = true;
            put(std::move(waiting->item_));
            waiting->wake_up();
        }
        return item;
    }

    mutable typename Policy::lockable mutex_;
    std::unique_ptr<std::optional<T>[]> slots_;
    std::size_t capacity_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    std::size_t promised_ = 0; // of size_, those that a woken receiver is about to take
    bool closed_ = false;
    list<typename Policy::node> senders_;
    list<typename Policy::node> receivers_;
};

template <class T, class Policy>
class [[nodiscard("nothing is sent until this is awaited")]] basic_channel<T, Policy>::send_operation final
    : public queued<basic_channel<T, Policy>> {
public:
    send_operation(basic_channel& owner, T item) : queued<basic_channel>(owner), item_(std::move(item)) {}
    ~send_operation() {
        if (!this->waiting_) return;
        const std::lock_guard lock(this->owner_.mutex_);
        this->leave();
    }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        this->stopped_ = this->is_stopped(handle);
        if (this->stopped_) return false;
        this->open();
        const std::lock_guard lock(this->owner_.mutex_);
        sent_ = this->owner_.put_if_room(item_);
        if (sent_ || this->owner_.closed_) return false;
        this->wait_in(this->owner_.senders_, handle);
        return true;
    }

    result<void> await_resume() noexcept {
        this->waiting_ = false;
        if (sent_) return {};
        return failure(this->stopped_ ? std::errc::operation_canceled : std::errc::broken_pipe);
    }

private:
    friend class basic_channel;
    T item_;
    bool sent_ = false;
};

template <class T, class Policy>
class [[nodiscard("nothing is received until this is awaited")]] basic_channel<T, Policy>::receive_operation final
    : public queued<basic_channel<T, Policy>> {
public:
    explicit receive_operation(basic_channel& owner) noexcept : queued<basic_channel>(owner) {}
    ~receive_operation() {
        if (!this->waiting_) return;
        const std::lock_guard lock(this->owner_.mutex_);
        this->leave();
        if (!promised_) return;
        // Woken, and destroyed before it ran: the item goes to the next in line.
        --this->owner_.promised_;
        this->owner_.wake_receiver();
    }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        this->stopped_ = this->is_stopped(handle);
        if (this->stopped_) return false;
        this->open();
        basic_channel& owner = this->owner_;
        const std::lock_guard lock(owner.mutex_);
        // An item that is promised is not there for others: who was promised the first one goes first.
        if (owner.promised_ == 0 && owner.size_ != 0) {
            item_.emplace(owner.take());
            return false;
        }
        if (owner.closed_ && owner.size_ == owner.promised_) return false;
        this->wait_in(owner.receivers_, handle);
        owner.wake_receiver();
        return true;
    }

    result<T> await_resume() {
        this->waiting_ = false;
        if (item_) return std::move(*item_);
        if (this->stopped_) return failure(std::errc::operation_canceled);
        if (!std::exchange(promised_, false)) return failure(std::errc::broken_pipe);
        const std::lock_guard lock(this->owner_.mutex_);
        --this->owner_.promised_;
        return this->owner_.take();
    }

private:
    friend class basic_channel;
    std::optional<T> item_; // taken without waiting
    bool promised_ = false;
};

} // namespace detail

/// A bounded queue between the coroutines of one loop, first in, first out, and fair: who waits longest goes first.
///
/// Any number of senders and receivers. `send` waits while the channel is full, `receive` while it is empty. After
/// `close`, sends fail with `std::errc::broken_pipe`, and receives too once the channel is drained. No allocation but the
/// one for its `capacity` items when it is made. Must outlive those who wait on it.
template <class T>
using channel = detail::basic_channel<T, detail::within_loop>;

namespace concurrent {

/// The same between coroutines of several loops; `try_send`, `try_receive` and `close` may be called by any thread.
template <class T>
using channel = detail::basic_channel<T, detail::across_loops>;

} // namespace concurrent

} // namespace tuyau
