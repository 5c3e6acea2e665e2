#pragma once

#include <cstddef>

namespace tuyau {

/// A link of a `list`. It leaves its list when destroyed, so a list never names a dead object.
class list_node {
public:
    list_node() noexcept = default;
    list_node(const list_node&) = delete;
    list_node& operator=(const list_node&) = delete;
    ~list_node() { unlink(); }

    bool linked() const noexcept { return next_ != this; }

    void unlink() noexcept {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        previous_ = next_ = this;
    }

private:
    template <class T>
    friend class list;

    list_node* previous_ = this;
    list_node* next_ = this;
};

/// An intrusive doubly linked list of objects that derive from `list_node`: no allocation, removal from the middle in
/// constant time. Owns nothing; when it is destroyed its members are left unlinked. `T` may still be incomplete where the list is declared.
template <class T>
class list {
public:
    list() noexcept = default;
    list(const list&) = delete;
    list& operator=(const list&) = delete;
    ~list() { clear(); }

    bool empty() const noexcept { return !head_.linked(); }
    T& front() noexcept { return *static_cast<T*>(head_.next_); }

    /// Whether the object at this address, which may be gone, is a member: looks at each of them.
    bool contains(const T& item) const noexcept {
        for (const list_node* node = head_.next_; node != &head_; node = node->next_)
            if (static_cast<const T*>(node) == &item) return true;
        return false;
    }

    void push_back(T& item) noexcept {
        list_node& node = item;
        node.unlink();
        node.previous_ = head_.previous_;
        node.next_ = &head_;
        head_.previous_->next_ = &node;
        head_.previous_ = &node;
    }

    T* pop_front() noexcept {
        if (empty()) return nullptr;
        T& item = front();
        static_cast<list_node&>(item).unlink();
        return &item;
    }

    /// Takes over every member of `other`, which is left empty. This list must be empty.
    void take(list& other) noexcept {
        if (other.empty()) return;
        head_.next_ = other.head_.next_;
        head_.previous_ = other.head_.previous_;
        head_.next_->previous_ = &head_;
        head_.previous_->next_ = &head_;
        other.head_.next_ = other.head_.previous_ = &other.head_;
    }

    void clear() noexcept {
        while (head_.linked()) head_.next_->unlink();
    }

    /// Calls `visit` on each member; `visit` may unlink the member it is given, and no other.
    template <class Visitor>
    void for_each(Visitor visit) {
        for (list_node* node = head_.next_; node != &head_;) {
            list_node* next = node->next_;
            visit(*static_cast<T*>(node));
            node = next;
        }
    }

private:
    list_node head_;
};

} // namespace tuyau
