#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/net/http/admission.hpp>
#include <tuyau/net/http/answered.hpp>
#include <tuyau/net/http/exchange.hpp>
#include <tuyau/net/http/refusal.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/request_parser.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/net/http/response_batch.hpp>
#include <tuyau/net/http/server_limits.hpp>
#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// What a program answers to requests: called on the loop's thread, once a request, in order. A plain function, a lambda
/// without captures, or an object that lives as long as the server; each call is a coroutine, whose frame is pooled.
using handler = std::function<task<>(request&, response&)>;

using failure_observer = std::function<void(const std::exception_ptr&)>;

/// Since the server was made.
struct server_counts {
    std::uint64_t connections = 0;
    std::uint64_t responses = 0;
    std::uint64_t handler_failures = 0;                   ///< exceptions that left a handler
    std::uint64_t incomplete_responses = 0;               ///< shorter than was announced, and broken off
    std::array<std::uint64_t, refusal_causes> refusals{}; ///< by cause
    std::uint64_t refused(refusal_cause cause) const noexcept { return refusals[static_cast<std::size_t>(cause)]; }
};

namespace detail {

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

class connection_base;

/// What the connections of one server share.
class server_state {
public:
    server_state(handler program, const server_limits& bounds) : answer(std::move(program)), limits(bounds) {}

    std::unique_ptr<request_parser> take_parser();
    void give_back(std::unique_ptr<request_parser> parser) noexcept;
    std::unique_ptr<response_batch> take_batch();
    void give_back(std::unique_ptr<response_batch> batch) noexcept;

    const handler answer;
    const server_limits limits;
    date_clock date;
    server_counts counts;
    response_observer observer;
    http::failure_observer failure_observer;
    bool draining = false;
    list<connection_base> connections;

private:
    std::unique_ptr<request_parser> parser_;               // while nobody reads a request
    std::vector<std::unique_ptr<response_batch>> batches_; // idle ones
};

// After the last response of a connection that the client has not finished with: how long, and how much, to read and
// forget, so that closing does not destroy the response on its way (RFC 9112, section 9.6).
constexpr std::chrono::milliseconds linger_time{2'000};
constexpr std::size_t linger_bytes = 1024 * 1024;

/// What a connection is beside its stream. While it is idle it holds no parser, no batch and no frame but one.
class connection_base : public list_node {
public:
    connection_base(server_state& owner, admission given) noexcept
        : owner_(owner), given_(std::move(given)) {
        owner_.connections.push_back(*this);
    }

    bool over() const noexcept { return over_; }

    /// Whether there is something to wait for, and time. The wait is one of `chain`.
    bool may_wait(await_chain* chain) noexcept {
        set_limit();
        idle_ = parser_ == nullptr;
        time_.guard(chain);
        // The time may pass while bytes come that complete nothing.
        return !(idle_ && owner_.draining) && !time_.expired();
    }

    /// Ends the connection if it waits for a request that has not begun.
    void end_if_idle() noexcept {
        if (idle_) time_.interrupt();
    }

protected:
    enum class phase : unsigned char { none, idle, head };

    bool in_request() const noexcept { return parser_ != nullptr && parser_->in_request(); }

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
    void refuse(const refusal& why, response_batch& batch);

    enum class ending : unsigned char { goes_on, refused, broken };

    /// After a handler: completes its response, or puts in its place what is to be said of `thrown`, or of a body that was
    /// refused. `broken`: nothing more can be said.
    ending end_response(const request& asked, response& reply, const std::exception_ptr& thrown, const refusal& why,
                        bool taken_back, response_batch& batch);

    /// The client went away before it had its response.
    void lose_response(const request& asked, const response& reply);

    void tell(const request_head* asked, int status, std::uint64_t body_size, refusal_cause refused);

    server_state& owner_;
    const admission given_;
    patience time_;
    std::unique_ptr<request_parser> parser_; // while a request is under way
    std::unique_ptr<std::string> address_;   // of the client, once somebody wants to know
    std::uint32_t requests_ = 0;             // so far
    phase phase_ = phase::none;              // whose time is running
    bool over_ = false;                      // the connection ends once its answers are sent
    bool idle_ = false;                      // waits for a request that has not begun
};

/// The address of the peer without its port, where a stream knows it.
template <class Stream>
std::string address_of(const Stream& stream) {
    if constexpr (requires { stream.peer_endpoint()->address(); }) {
        if (auto peer = stream.peer_endpoint()) return peer->address();
    }
    return {};
}

template <byte_stream Stream>
class connection final : public connection_base {
public:
    connection(server_state& owner, Stream stream, admission given = {}) noexcept
        : connection_base(owner, std::move(given)), stream_(std::move(stream)) {}

    auto readable() & noexcept { return stream_.readable(); }

    /// After a wait of `chain`, or none: answers what came, or ends the connection.
    task<> go_on(await_chain* chain, bool waited, bool came);

    /// Says why, and ends.
    task<> turn_away(await_chain* chain, refusal why);

private:
    class turn;
    using lease = tuyau::detail::received_by<Stream>;

    /// Asks for the client's address, if somebody wants to know.
    void learn_address() {
        if (owner_.observer && address_ == nullptr) address_ = std::make_unique<std::string>(address_of(stream_));
    }

    task<> give_up_waiting(await_chain* chain);
    task<> linger(await_chain* chain);

    Stream stream_;
};

/// From a buffer that came to the answers to all that it held, and to what followed it of a body.
template <byte_stream Stream>
class connection<Stream>::turn final : public exchange {
public:
    turn(connection& owner, response_batch& batch, lease received) noexcept
        : exchange(batch, owner.owner_.date), owner_(owner), bytes_(std::move(received)), rest_(bytes_.text()) {}

    /// What is not parsed yet.
    std::string_view& rest() noexcept { return rest_; }

    /// A request begins, whose head is in the parser.
    void begin(bool has_body) noexcept {
        const request_head& asked = owner_.parser_->current();
        ++owner_.requests_;
        keep_alive_ = asked.keep_alive && owner_.requests_ < owner_.owner_.limits.requests;
        in_body_ = has_body;
        owes_continue_ = has_body && asked.expects_continue;
        mark_ = batch().mark();
        expect_response();
        if (!has_body) return;
        body_time_left_ = owner_.owner_.limits.body_time;
        body_failure_ = {};
    }

    bool in_body() const noexcept { return in_body_; }

    /// Whether the client sends the body only once it is asked to, which it has not been.
    bool owes_continue() const noexcept { return owes_continue_; }

    /// Whether the request's body was one to refuse the request for.
    bool was_refused() const noexcept { return why_.status != 0; }
    const refusal& why() const noexcept { return why_; }

    /// Reads what the handler has left of the body, and forgets it. The response waits until it is known to be one to a good
    /// request.
    task<> discard_body(response& reply) {
        discarding_ = true;
        bool good = true;
        while (good && in_body_ && !owes_continue_) {
            auto piece = co_await read_body();
            good = piece.has_value();
        }
        discarding_ = false;
        if (flushed_) co_return;
        if (was_refused()) {
            batch().forget_since(mark_);
            taken_back_ = true;
        } else if (closes() && reply.is_whole() && !reply.is_last()) {
            reply.become_last(mark_); // a drain has begun meanwhile
        }
    }

    /// Whether there is no response any more, because the body that followed was one to refuse the request for.
    bool taken_back() const noexcept { return taken_back_; }

    /// Whether the client cannot be told anything any more.
    bool is_lost() const noexcept { return lost_ != std::error_code(); }

    /// The request is over: nobody looks at its head any more.
    void end() noexcept {
        batch().draft().clear();
        batch().trailers().clear();
        head_bytes_.reset();
        flushed_ = taken_back_ = false;
    }

    /// Nobody looks at what was received any more.
    void release() noexcept {
        head_bytes_.reset();
        bytes_ = lease();
    }

    bool closes() const noexcept override {
        return !keep_alive_ || owner_.owner_.draining || owes_continue_ || was_refused() || is_lost();
    }

    std::span<const field> trailers() const noexcept override {
        return in_body_ ? std::span<const field>() : owner_.parser_->trailers();
    }

    task<result<std::string_view>> read_body() override {
        while (in_body_) {
            if (body_failure_) co_return failure(body_failure_);
            switch (owner_.parser_->parse(rest_)) {
            case request_parser::step::body:
                owes_continue_ = false; // the client has not waited for it
                co_return owner_.parser_->piece();
            case request_parser::step::complete: in_body_ = owes_continue_ = false; break;
            case request_parser::step::refused:
                why_ = owner_.parser_->why();
                body_failure_ =
                    std::make_error_code(why_.status == 413 ? std::errc::message_size : std::errc::bad_message);
                break;
            case request_parser::step::more:
            case request_parser::step::head: {
                auto came = co_await receive();
                if (!came) body_failure_ = came.error();
                break;
            }
            }
        }
        co_return std::string_view();
    }

    task<result<void>> flush() override {
        if (is_lost()) co_return failure(lost_);
        if (batch().empty()) co_return {};
        flushed_ = response_began();
        await_chain* chain = co_await this_chain();
        owner_.set_send_limit();
        owner_.time_.guard(chain);
        auto sent = co_await owner_.stream_.send(batch().pieces());
        owner_.time_.relax();
        batch().clear();
        if (sent) co_return {};
        lost_ = owner_.time_.expired() ? std::make_error_code(std::errc::timed_out) : sent.error();
        co_return failure(lost_);
    }

private:
    /// Waits for more of the body, once the client has all that it may be waiting for.
    task<result<void>> receive() {
        if (std::exchange(owes_continue_, false) && !response_began()) batch().add_interim(100);
        if (!discarding_ || flushed_) {
            auto sent = co_await flush();
            if (!sent) co_return failure(sent.error());
        }
        await_chain* chain = co_await this_chain();
        const auto began = loop::current().now();
        owner_.time_.expires_after(body_time_left_);
        owner_.phase_ = phase::none;
        owner_.time_.guard(chain);
        auto received = co_await owner_.stream_.receive();
        owner_.time_.relax();
        if (!received && owner_.time_.expired()) {
            why_ = {408, "The request's body did not arrive in time.", refusal_cause::too_slow};
            co_return failure(std::errc::timed_out);
        }
        if (!received || received->text().empty()) {
            lost_ = received ? std::make_error_code(std::errc::connection_reset) : received.error();
            co_return failure(lost_);
        }
        earn_time(received->text().size(), loop::current().now() - began);
        if (!head_bytes_) head_bytes_.emplace(std::move(bytes_));
        bytes_ = std::move(*received);
        rest_ = bytes_.text();
        co_return {};
    }

    void earn_time(std::size_t size, loop::clock::duration waited) noexcept {
        const std::uint64_t rate = owner_.owner_.limits.body_rate;
        body_time_left_ -= waited;
        if (rate != 0) body_time_left_ += std::chrono::nanoseconds(std::chrono::seconds(1)) * size / rate;
        body_time_left_ = std::max(body_time_left_, loop::clock::duration::zero());
    }

    connection& owner_;
    lease bytes_;
    std::optional<lease> head_bytes_; // those that the head of the request names, if more have come
    std::string_view rest_;
    loop::clock::duration body_time_left_{};
    response_batch::place mark_{}; // where the response begins
    refusal why_;
    std::error_code body_failure_;
    std::error_code lost_;
    bool keep_alive_ = true;
    bool in_body_ = false;
    bool owes_continue_ = false;
    bool discarding_ = false;
    bool taken_back_ = false;
    bool flushed_ = false; // the response, or a part of it
};

template <byte_stream Stream>
task<> connection<Stream>::go_on(await_chain* chain, bool waited, bool came) {
    idle_ = false;
    time_.relax();
    over_ = !came;
    if (!came && time_.expired()) co_return co_await give_up_waiting(chain);
    if (!waited) co_return co_await linger(chain);
    if (!came) co_return;
    auto received = co_await stream_.receive();
    over_ = !received || received->text().empty();
    if (over_) co_return;
    learn_address();

    auto batch = owner_.take_batch();
    turn present(*this, *batch, std::move(*received));
    if (parser_ == nullptr) parser_ = owner_.take_parser();
    bool unread = false; // the client may have more to say that will not be read
    while (!over_ && !present.rest().empty()) {
        const auto step = parser_->parse(present.rest());
        if (step == request_parser::step::more) break;
        if (step == request_parser::step::refused) {
            refuse(parser_->why(), *batch);
            unread = true;
            break;
        }
        phase_ = phase::none;
        present.begin(step == request_parser::step::head);
        request asked(parser_->current(), present);
        response reply(asked, present);
        std::exception_ptr thrown;
        try {
            co_await owner_.answer(asked, reply);
        } catch (...) {
            thrown = std::current_exception();
        }
        if (!thrown && present.in_body() && reply.begun()) co_await present.discard_body(reply);
        ending how = ending::broken;
        if (present.is_lost())
            lose_response(asked, reply);
        else
            how = end_response(asked, reply, thrown, present.why(), present.taken_back(), *batch);
        if (how == ending::broken) {
            over_ = true;
            co_return;
        }
        over_ = how == ending::refused || reply.is_last() || present.in_body();
        unread = present.in_body() || !present.rest().empty() || asked.keep_alive;
        present.end();
    }
    present.release();
    if (parser_->at_rest() && !over_) owner_.give_back(std::move(parser_));
    if (!batch->empty()) {
        set_send_limit();
        time_.guard(chain);
        auto sent = co_await stream_.send(batch->pieces());
        time_.relax();
        over_ = over_ || !sent;
        if (!sent) co_return;
    }
    owner_.give_back(std::move(batch));
    if (over_ && unread) co_await linger(chain);
}

template <byte_stream Stream>
task<> connection<Stream>::give_up_waiting(await_chain* chain) {
    over_ = true;
    if (!in_request()) co_return;
    co_await turn_away(chain, {408, "The request did not arrive in time.", refusal_cause::too_slow});
}

template <byte_stream Stream>
task<> connection<Stream>::turn_away(await_chain* chain, refusal why) {
    learn_address();
    auto batch = owner_.take_batch();
    refuse(why, *batch);
    set_send_limit();
    time_.guard(chain);
    auto sent = co_await stream_.send(batch->pieces());
    time_.relax();
    if (sent) co_await linger(chain);
}

template <byte_stream Stream>
task<> connection<Stream>::linger(await_chain* chain) {
    time_.expires_after(linger_time);
    time_.guard(chain);
    auto ended = co_await shutdown_send(stream_);
    for (std::size_t size = 0; ended && size < linger_bytes && !time_.expired();) {
        auto received = co_await stream_.receive();
        if (!received || received->text().empty()) break;
        size += received->text().size();
    }
    time_.relax();
}

template <byte_stream Stream>
task<> converse(server_state& owner, Stream stream, admission given = {}) {
    await_chain* chain = co_await this_chain();
    connection<Stream> here(owner, std::move(stream), std::move(given));
    while (!here.over()) {
        const bool waits = here.may_wait(chain);
        bool came = false;
        if (waits) came = co_await here.readable();
        co_await here.go_on(chain, waits, came);
    }
}

} // namespace detail

} // namespace tuyau::http
