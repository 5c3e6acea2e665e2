#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <tuyau/net/http/refusal.hpp>
#include <tuyau/net/http/server_state.hpp>
#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/list.hpp>

namespace tuyau::http::detail {

/// The time that a client has for what its connection itself waits for. What a handler waits for meanwhile is not bounded by
/// it.
class patience final : public movable_timer {
public:
    /// The chain of the connection's coroutine.
    void run_in(await_chain* chain) noexcept { chain_ = chain; }
    await_chain* chain() const noexcept { return chain_; }

    /// Until `relax`, the time's end ends the present wait of the chain.
    void guard() noexcept { guards_ = true; }
    void relax() noexcept { guards_ = false; }

    /// Ends the guarded wait now.
    void interrupt() noexcept {
        if (guards_ && chain_ != nullptr) chain_->interrupt();
    }

private:
    void due() noexcept override { interrupt(); }

    await_chain* chain_ = nullptr;
    bool guards_ = false;
};

// After the last response of a connection that the client has not finished with: how long, and how much, to read and
// forget, so that closing does not destroy the response on its way (RFC 9112, section 9.6).
constexpr std::chrono::milliseconds linger_time{2'000};
constexpr std::size_t linger_bytes = 1024 * 1024;

/// What a connection is beside its stream. While it is idle it holds no desk, and no frame but one.
class connection_base : public list_node {
public:
    explicit connection_base(server_state& owner) noexcept : owner_(owner) { owner_.connections.push_back(*this); }

    /// Which chain the connection's coroutine is in. To be said first.
    void run_in(await_chain* chain) noexcept { time_.run_in(chain); }

    bool over() const noexcept { return over_; }

    /// Whether there is something to wait for, and time; else the connection's end is next.
    bool may_wait() noexcept {
        next_ = step::end;
        set_limit();
        idle_ = desk_ == nullptr;
        time_.guard();
        // The time may pass while bytes come that complete nothing.
        return !(idle_ && owner_.draining) && !time_.expired();
    }

    /// Whether more is to be awaited before the client has to say something again.
    bool has_more() const noexcept { return next_ != step::read; }

    /// Ends the connection if it waits for a request that has not begun.
    void end_if_idle() noexcept {
        if (idle_) time_.interrupt();
    }

protected:
    enum class phase : unsigned char { none, idle, head };

    /// What is to be awaited next: bytes, a send, the rest of a turn that takes more than that, the connection's end.
    enum class step : unsigned char { read, send, turn, end };

    bool in_request() const noexcept { return desk_ != nullptr && desk_->parser.in_request(); }

    /// Sets the time that the client has. For a head it is set once, when it begins: sending it byte by byte gains nothing.
    void set_limit() noexcept {
        const phase present = in_request() ? phase::head : phase::idle;
        if (std::exchange(phase_, present) == present) return;
        time_.expires_after(present == phase::idle ? owner_.limits.idle_time : owner_.limits.header_time);
    }

    void set_send_limit() noexcept {
        time_.expires_after(owner_.limits.send_time);
        phase_ = phase::none;
    }

    /// Answers with an error page, the last that the connection says.
    void refuse(const refusal& why);

    enum class ending : unsigned char { goes_on, refused, broken };

    /// After a handler: completes its response, or puts in its place what is to be said of `thrown`, or of a body that was
    /// refused. `broken`: nothing more can be said.
    ending end_response(const request& asked, response& reply, const std::exception_ptr& thrown, const refusal& why,
                        bool taken_back);

    /// The client went away before it had its response.
    void lose_response(const request& asked, const response& reply);

    void tell(const request_head* asked, int status, std::uint64_t body_size, refusal_cause refused);

    server_state& owner_;
    [[no_unique_address]] patience time_; // what follows lies in its last bytes
    phase phase_ = phase::none;           // whose time is running
    step next_ = step::read;
    bool over_ : 1 = false;                // the connection ends once its answers are sent
    bool unread_ : 1 = false;              // the client may have more to say that will not be read
    bool idle_ : 1 = false;                // waits for a request that has not begun
    std::uint32_t requests_ = 0;           // so far
    std::unique_ptr<desk> desk_;           // while a request is under way
    std::unique_ptr<std::string> address_; // of the client, once somebody wants to know
};

} // namespace tuyau::http::detail
