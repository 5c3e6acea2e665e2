#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/suspension.hpp>

namespace tuyau {

/// A bounded queue between the coroutines of one loop, first in, first out, and fair: who waits longest goes first.
///
/// Any number of senders and receivers. `send` waits while the channel is full, `receive` while it is empty. After
/// `close`, sends fail with `std::errc::broken_pipe`, and receives too once the channel is drained. No allocation but the
/// one for its `capacity` items when it is made. Must outlive those who wait on it.
template <class T>
class channel {
public:
    explicit channel(std::size_t capacity) : slots_(new std::optional<T>[capacity]), capacity_(capacity) {
        require(capacity > 0, "a channel needs room for at least one item");
    }
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool closed() const noexcept { return closed_; }

    /// No more items: who waits to send fails, who receives gets what is left.
    void close() noexcept {
        closed_ = true;
        while (auto* waiting = senders_.pop_front()) static_cast<waiter<send_operation>&>(*waiting).end();
        while (auto* waiting = receivers_.pop_front()) static_cast<waiter<receive_operation>&>(*waiting).end();
    }

    /// Puts `item` in if there is room and the channel is open; whether it did. `item` is left as it was if not.
    bool try_send(T&& item) {
        if (closed_ || size_ == capacity_) return false;
        put(std::move(item));
        return true;
    }
    bool try_send(const T& item) { return try_send(T(item)); }

    class send_operation;
    class receive_operation;

    /// `result<void>`: waits for room, then puts `item` in.
    [[nodiscard]] send_operation send(T item) { return send_operation(*this, std::move(item)); }

    /// `result<T>`: waits for an item.
    [[nodiscard]] receive_operation receive() noexcept { return receive_operation(*this); }

private:
    // Waiters are suspensions in one of the two lists; once woken they are in the loop's list of ready ones.
    template <class Operation>
    class waiter : public suspension {
    public:
        void end() noexcept { this->resume_soon(); }
        void stop() noexcept override {
            stopped_ = true;
            this->unlink();
            this->resume_soon();
        }
        bool stopped_ = false;
    };

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
            waiting->end();
        }
    }

    T take() {
        T item = std::move(*slots_[first_]);
        slots_[first_].reset();
        first_ = (first_ + 1) % capacity_;
        --size_;
        if (auto* waiting = static_cast<send_operation*>(senders_.pop_front())) {
            waiting->sent_ = true;
            waiting->end();
            put(std::move(waiting->item_));
        }
        return item;
    }

    std::unique_ptr<std::optional<T>[]> slots_;
    std::size_t capacity_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    std::size_t promised_ = 0; // of size_, those that a woken receiver is about to take
    bool closed_ = false;
    list<suspension> senders_;
    list<suspension> receivers_;
};

template <class T>
class channel<T>::send_operation final : public waiter<send_operation> {
public:
    send_operation(channel& owner, T item) : owner_(owner), item_(std::move(item)) {}

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        this->stopped_ = this->is_stopped(handle);
        if (this->stopped_) return false;
        sent_ = owner_.try_send(std::move(item_));
        if (sent_ || owner_.closed_) return false;
        this->begin_wait(handle);
        owner_.senders_.push_back(*this);
        return true;
    }
    result<void> await_resume() const noexcept {
        if (sent_) return {};
        return failure(this->stopped_ ? std::errc::operation_canceled : std::errc::broken_pipe);
    }

private:
    friend class channel;
    channel& owner_;
    T item_;
    bool sent_ = false;
};

template <class T>
class channel<T>::receive_operation final : public waiter<receive_operation> {
public:
    explicit receive_operation(channel& owner) noexcept : owner_(owner) {}
    ~receive_operation() {
        if (!promised_) return;
        // Woken, and destroyed before it ran: the item goes to the next in line.
        --owner_.promised_;
        owner_.wake_receiver();
    }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        this->stopped_ = this->is_stopped(handle);
        // Not at once while items are promised: who was promised the first one goes first.
        if (this->stopped_ || (owner_.promised_ == 0 && (owner_.size_ != 0 || owner_.closed_))) return false;
        this->begin_wait(handle);
        owner_.receivers_.push_back(*this);
        owner_.wake_receiver();
        if (owner_.closed_ && !promised_) this->end();
        return true;
    }
    result<T> await_resume() {
        if (this->stopped_) return failure(std::errc::operation_canceled);
        if (std::exchange(promised_, false))
            --owner_.promised_;
        else if (owner_.size_ == owner_.promised_)
            return failure(std::errc::broken_pipe);
        return owner_.take();
    }

private:
    friend class channel;
    channel& owner_;
    bool promised_ = false;
};

} // namespace tuyau
