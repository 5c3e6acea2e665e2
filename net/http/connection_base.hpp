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

/// The time that a client has for whatever its connection waits for. Runs out for that one wait alone: what a handler
/// waits for meanwhile is the handler's.
class patience final : public movable_timer {
public:
    /// Until `relax`, the time's end ends the present wait of `chain`.
    void guard(await_chain* chain) noexcept { chain_ = chain; }
    void relax() noexcept { chain_ = nullptr; }

    /// Ends the guarded wait now.
    void interrupt() noexcept {
        if (chain_ != nullptr) chain_->interrupt();
    }

private:
    void due() noexcept override { interrupt(); }

    await_chain* chain_ = nullptr;
};

// After the last response of a connection that the client has not finished with: how long, and how much, to read and
// forget, so that closing does not destroy the response on its way (RFC 9112, section 9.6).
constexpr std::chrono::milliseconds linger_time{2'000};
constexpr std::size_t linger_bytes = 1024 * 1024;

/// What a connection is beside its stream. While it is idle it holds no desk, and no frame but one.
class connection_base : public list_node {
public:
    connection_base(server_state& owner, await_chain* chain) noexcept : owner_(owner), chain_(chain) {
        owner_.connections.push_back(*this);
    }

    bool over() const noexcept { return over_; }

    /// Whether there is something to wait for, and time.
    bool may_wait() noexcept {
        set_limit();
        idle_ = desk_ == nullptr;
        time_.guard(chain_);
        // The time may pass while bytes come that complete nothing.
        return !(idle_ && owner_.draining) && !time_.expired();
    }

    /// Ends the connection if it waits for a request that has not begun.
    void end_if_idle() noexcept {
        if (idle_) time_.interrupt();
    }

protected:
    enum class phase : unsigned char { none, idle, head };

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
    await_chain* const chain_; // of the coroutine that the connection lives in
    patience time_;
    std::unique_ptr<desk> desk_;           // while a request is under way
    std::unique_ptr<std::string> address_; // of the client, once somebody wants to know
    std::uint32_t requests_ = 0;           // so far
    phase phase_ = phase::none;            // whose time is running
    bool over_ = false;                    // the connection ends once its answers are sent
    bool unread_ = false;                  // the client may have more to say that will not be read
    bool idle_ = false;                    // waits for a request that has not begun
};

} // namespace tuyau::http::detail
