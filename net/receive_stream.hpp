#pragma once

#include <cstdint>

#include <tuyau/runtime/buffers.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/stream_operation.hpp>

namespace tuyau::detail {

/// A connected socket and the request that receives from it, multishot where it can be: owns the descriptor, and keeps what has come until it is asked for.
class receive_stream final : public stream_operation, public buffer_client {
public:
    explicit receive_stream(int fd) noexcept : fd_(fd) {}

    int fd() const noexcept { return fd_; }

    /// Whether something has come, or the request that would bring it is in flight.
    bool in_use() const noexcept { return armed() || has_something(); }

    /// What comes next: bytes, an empty buffer at the end of the stream, or an error. Only when there is something.
    result<buffer> take() noexcept {
        if (unread() != 0) [[likely]]
            return home().receive_buffers().pop(*this);
        return take_end();
    }

    /// A send on this socket has failed. The kernel tells of a broken connection once: who receives after that sees what
    /// looks like the end of the stream.
    void send_failed(int error) noexcept;

    /// A send has stopped before its end. It then tells how much it has sent, and may have lost the error that stopped it.
    void send_cut_short() noexcept;

    /// The program itself has ended its sending: a send that stops from here on says nothing of the connection.
    void sending_ended() noexcept { sending_ended_ = true; }

    /// Bytes, the end or an error wait to be taken.
    bool has_come() const noexcept { return unread() != 0 || ended_ || error_ != 0; }

    /// How a send learned that the connection is broken; 0 if none did.
    int broken() const noexcept { return broken_; }

    /// Puts back what a reader had no room for.
    void put_back(buffer&& rest) noexcept { loop::current().receive_buffers().push_front(*this, std::move(rest)); }

private:
    ~receive_stream() override;

    result<buffer> take_end() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept override;
    void keep(int outcome, unsigned flags) noexcept override;
    bool has_something() const noexcept override { return unread() != 0 || ended_ || error_ != 0; }
    void ended() noexcept override;
    void drop() noexcept override;
    void buffers_available() noexcept override;
    void hold_back() noexcept override;
    void look() noexcept override;

    // Small: an idle connection is mostly this. A short holds any errno.
    bool ended_ : 1 = false;
    bool end_taken_ : 1 = false;
    bool polled_ : 1 = false;  // the request tells that there is something, and does not bring it
    bool goes_on_ : 1 = false; // the request brings something once, and is to be made again as if it went on by itself
    bool starved_ : 1 = false;
    bool dropped_ : 1 = false;
    bool sending_ended_ : 1 = false;
    int fd_;
    std::int16_t error_ = 0;
    std::int16_t broken_ = 0;
};

} // namespace tuyau::detail
