#pragma once

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

class kernel;

/// The bytes of one direction, first in, first out.
class byte_queue {
public:
    std::size_t size() const noexcept { return bytes_.size() - first_; }
    bool empty() const noexcept { return size() == 0; }
    void put(const char* data, std::size_t size) { bytes_.append(data, size); }
    void put(const std::string& text) { bytes_ += text; }

    std::size_t take(char* to, std::size_t size) {
        size = std::min(size, this->size());
        if (size == 0) return 0;
        std::memcpy(to, bytes_.data() + first_, size);
        drop(size);
        return size;
    }

    std::string take(std::size_t size) {
        std::string text = bytes_.substr(first_, size);
        drop(text.size());
        return text;
    }

    void clear() noexcept {
        bytes_.clear();
        first_ = 0;
    }

private:
    void drop(std::size_t size) {
        first_ += size;
        if (first_ == bytes_.size()) {
            clear();
        } else if (first_ > 65536) {
            bytes_.erase(0, first_);
            first_ = 0;
        }
    }

    std::string bytes_;
    std::size_t first_ = 0;
};

/// A result as the kernel gives it, a number or a negative errno; nothing while the caller would have to wait.
using outcome = std::optional<int>;

/// What a descriptor names. Requests that cannot be done yet wait on it, and so do peers.
class file {
public:
    explicit file(kernel& owner) noexcept : kernel_(owner) {}
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    virtual ~file() = default;

    /// At the file's position, or for a socket, from the stream.
    virtual outcome read(char* to, std::size_t size);
    virtual outcome write(const char* from, std::size_t size);

    /// Bytes that a read, a write would take now; 0 where it would wait or fail, or takes all or nothing.
    virtual std::size_t readable() const { return 0; }
    virtual std::size_t writable() const { return 0; }

    /// The events of poll(2) that hold now.
    virtual short readiness() const { return 0; }

    /// The last descriptor has been closed.
    virtual void released() {}

    virtual bool is_socket() const noexcept { return false; }

    /// Something has changed that somebody may wait for.
    void changed();

    /// Until the next change; for peers. `co_await each.change()`
    auto change() noexcept {
        struct awaiter {
            file& owner;
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<> handle) { owner.watchers_.push_back(handle); }
            void await_resume() const noexcept {}
        };
        return awaiter{*this};
    }

    /// A request of a ring that waits here.
    struct waiting_request {
        int ring;
        std::uint64_t request;
        friend bool operator==(const waiting_request&, const waiting_request&) = default;
    };
    void add(waiting_request request) { waiting_.push_back(request); }
    void remove(waiting_request request) { std::erase(waiting_, request); }
    const std::vector<waiting_request>& waiting() const noexcept { return waiting_; }

protected:
    kernel& owner() const noexcept { return kernel_; }

private:
    kernel& kernel_;
    std::vector<waiting_request> waiting_;
    std::vector<std::coroutine_handle<>> watchers_;
};

} // namespace simulation
