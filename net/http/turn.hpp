#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/send_batch.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/nested_chain.hpp>
#include <tuyau/runtime/scope.hpp>

namespace tuyau::http::detail {

// Bytes made for answers, past which they are sent before another request is answered.
constexpr std::size_t most_unsent = 64 * 1024;

/// From a buffer that came to the answers to all that it held, and to what followed it of a body.
template <byte_stream Stream>
class connection<Stream>::turn final : public exchange, public frame_pool::pooled {
public:
    turn(connection& owner, lease received) noexcept
        : exchange(owner.desk_->batch, owner.owner_.date), owner_(owner), bytes_(std::move(received)),
          rest_(bytes_.text()) {}

    /// What is not parsed yet.
    std::string_view& rest() noexcept { return rest_; }

    /// A request's head was parsed: it is to be answered.
    void hold_request(bool has_body) noexcept {
        holds_request_ = true;
        in_body_ = has_body;
    }
    bool holds_request() const noexcept { return holds_request_; }

    /// Whether what was answered is to be sent before that request is answered: a client may be long in sending a body, and
    /// what it asks for at once is not to pile up.
    bool sends_first() noexcept {
        return !batch().empty() && (in_body_ || batch().copied() > most_unsent);
    }

    /// Has the request that is held answered. False: what that waits for is awaited with `end_request`.
    bool begin_request(const handler& answer) {
        const request_head& asked = parser().current();
        holds_request_ = false;
        ++owner_.requests_;
        keep_alive_ = asked.keep_alive && owner_.requests_ < owner_.owner_.limits.requests;
        expect_response();
        begin_ = batch().mark();
        if (in_body_) {
            body_.emplace(owner_.owner_.limits.body_time);
            owes_continue_ = asked.expects_continue;
        }
        asked_.emplace(asked, *this);
        reply_.emplace(*asked_, *this);
        try {
            work_ = answer(*asked_, *reply_);
            if (!work_.start(owner_.time_.chain())) return false;
            std::exchange(work_, {}).take();
        } catch (...) {
            thrown_ = std::current_exception();
        }
        return !leaves_body();
    }

    /// Whether something of the request is still to be awaited.
    bool in_request() const noexcept { return static_cast<bool>(asked_); }

    /// Awaits the handler's end, and that of the body.
    task<> end_request() {
        if (batch().empty() || in_body_)
            co_await end_work();
        else
            co_await end_work_beside_sending();
        if (leaves_body()) co_await discard_body(*reply_);
    }

    const request& asked() const noexcept { return *asked_; }
    response& reply() noexcept { return *reply_; }
    const std::exception_ptr& thrown() const noexcept { return thrown_; }

    bool in_body() const noexcept { return in_body_; }

    /// Why the request's body was one to refuse the request for; a status of 0 if it was not.
    refusal why() const noexcept { return body_ ? body_->why : refusal(); }

    /// Whether there is no response any more, because the body that followed was one to refuse the request for.
    bool taken_back() const noexcept { return taken_back_; }

    /// Whether the client cannot be told anything any more.
    bool is_lost() const noexcept { return static_cast<bool>(lost_); }

    /// Of what was to be said, leaves the answers to requests before this one, if the client may still take them.
    void forget_response() noexcept {
        if (cannot_send_)
            batch().clear();
        else
            batch().forget_since(begin_);
    }

    /// The request is over: nobody looks at its head any more.
    void forget_request() noexcept {
        batch().draft().clear();
        batch().trailers().clear();
        reply_.reset();
        asked_.reset();
        body_.reset();
        thrown_ = nullptr;
        owes_continue_ = flushed_ = taken_back_ = false;
    }

    /// Nobody looks at what was received any more.
    void release() noexcept { bytes_ = lease(); }

    /// Begins to send what is in the batch: an awaiter of its result, which lives as long as the turn.
    auto& send() { return sending_.emplace(owner_.stream_, batch().pieces()).awaiter; }
    auto& send_begun() noexcept { return sending_->awaiter; }

    bool closes() const noexcept override {
        return !keep_alive_ || owner_.owner_.draining || owes_continue_ || was_refused() || is_lost();
    }

    std::span<const field> trailers() const noexcept override {
        return in_body_ ? std::span<const field>() : owner_.desk_->parser.trailers();
    }

    task<result<std::string_view>> read_body() override {
        while (in_body_) {
            if (body_->failure) co_return failure(body_->failure);
            switch (parser().parse(rest_)) {
            case request_parser::step::body:
                owes_continue_ = false; // the client has not waited for it
                co_return parser().piece();
            case request_parser::step::complete: in_body_ = owes_continue_ = false; break;
            case request_parser::step::refused:
                body_->why = parser().why();
                body_->failure =
                    std::make_error_code(why().status == 413 ? std::errc::message_size : std::errc::bad_message);
                break;
            case request_parser::step::more:
            case request_parser::step::head: {
                auto came = co_await receive();
                if (came) break;
                if (is_cancelled(came.error()) && !is_lost()) co_return failure(came.error());
                body_->failure = came.error();
                break;
            }
            }
        }
        co_return std::string_view();
    }

    task<result<void>> flush() override {
        if (is_lost()) co_return failure(*lost_);
        if (batch().empty()) co_return {};
        in_doubt outcome(*this);
        auto alone = co_await owner_.desk_->sending.lock();
        if (!alone) co_return failure(alone.error());
        if (is_lost()) co_return failure(*lost_);
        flushed_ = flushed_ || (in_request() && response_began());
        response_batch& leaving = owner_.desk_->leaving;
        leaving.take_over(batch());
        begin_ = {};
        wait_limit limit(co_await this_chain());
        const auto begin_limit = [&limit, time = owner_.owner_.limits.send_time] { limit.expires_after(time); };
        begin_limit();
        result<void> sent;
        if (leaving.is_long())
            sent = co_await send_in_parts(owner_.stream_, leaving, begin_limit);
        else
            sent = co_await owner_.stream_.send(leaving.pieces());
        leaving.clear();
        outcome.is(sent || !limit.expired() ? sent : failure(std::errc::timed_out));
        co_return is_lost() ? failure(*lost_) : sent;
    }

private:
    struct body_state {
        explicit body_state(loop::clock::duration time) noexcept : time_left(time) {}

        loop::clock::duration time_left;
        refusal why;
        std::error_code failure;
        std::optional<lease> head_bytes; // those that the head of the request names, if more have come
        bool discarding = false;
    };

    struct send_state {
        send_state(Stream& stream, std::span<iovec> pieces)
            : awaitable(stream.send(pieces)), awaiter(tuyau::detail::awaiter_of(std::move(awaitable))) {}

        decltype(std::declval<Stream&>().send(std::span<iovec>())) awaitable;
        decltype(tuyau::detail::awaiter_of(std::move(awaitable))) awaiter;
    };

    /// Whether the client has got what is sent of its response. Nobody knows, if the coroutine that sends is destroyed.
    class in_doubt {
    public:
        explicit in_doubt(turn& owner) noexcept : owner_(owner) {}
        in_doubt(const in_doubt&) = delete;
        in_doubt& operator=(const in_doubt&) = delete;
        ~in_doubt() {
            if (!known_) fail(std::make_error_code(std::errc::operation_canceled));
        }

        void is(const result<void>& sent) noexcept {
            known_ = true;
            if (!sent) fail(sent.error());
        }

    private:
        void fail(std::error_code error) noexcept {
            owner_.cannot_send_ = true;
            if (!owner_.lost_) owner_.lost_ = error;
        }

        turn& owner_;
        bool known_ = false;
    };

    request_parser& parser() const noexcept { return owner_.desk_->parser; }

    bool was_refused() const noexcept { return body_ && body_->why.status != 0; }

    task<> end_work() {
        try {
            if (work_) co_await work_.end();
        } catch (...) {
            thrown_ = std::current_exception();
        }
        work_ = {};
    }

    /// What is answered already is not kept back by what the handler waits for. The handler's is the connection's own chain,
    /// so that the send needs another.
    task<> end_work_beside_sending() {
        scope beside;
        beside.spawn(send_owed());
        co_await end_work();
        co_await beside.join();
    }

    task<> send_owed() {
        auto sent = co_await flush();
        static_cast<void>(sent); // who writes later is told
    }

    bool leaves_body() const noexcept { return in_body_ && thrown_ == nullptr && reply_->begun(); }

    /// Reads what the handler has left of the body, and forgets it. The response waits until it is known to be one to a good
    /// request.
    task<> discard_body(response& reply) {
        body_->discarding = true;
        bool good = true;
        while (good && in_body_ && !owes_continue_) {
            auto piece = co_await read_body();
            good = piece.has_value();
        }
        body_->discarding = false;
        if (flushed_) co_return;
        if (was_refused()) {
            batch().forget_since(begin_);
            taken_back_ = true;
        } else if (closes() && reply.is_whole() && !reply.is_last()) {
            reply.become_last(begin_); // a drain has begun meanwhile
        }
    }

    /// Waits for more of the body, once the client has all that it may be waiting for.
    task<result<void>> receive() {
        if (std::exchange(owes_continue_, false) && !response_began()) batch().add_interim(100);
        if (!body_->discarding || flushed_) {
            auto sent = co_await flush();
            if (!sent) co_return failure(sent.error());
        }
        wait_limit limit(co_await this_chain());
        const auto began = loop::current().now();
        limit.expires_after(body_->time_left);
        auto received = co_await owner_.stream_.receive();
        if (!received && limit.expired()) {
            body_->why = {408, "The request's body did not arrive in time.", refusal_cause::too_slow};
            co_return failure(std::errc::timed_out);
        }
        if (!received && is_cancelled(received.error())) co_return failure(received.error());
        if (!received || received->text().empty()) {
            lost_ = received ? std::make_error_code(std::errc::connection_reset) : received.error();
            co_return failure(*lost_);
        }
        earn_time(received->text().size(), loop::current().now() - began);
        if (!body_->head_bytes) body_->head_bytes.emplace(std::move(bytes_));
        bytes_ = std::move(*received);
        rest_ = bytes_.text();
        co_return {};
    }

    void earn_time(std::size_t size, loop::clock::duration waited) noexcept {
        const server_limits& limits = owner_.owner_.limits;
        loop::clock::duration left = body_->time_left - waited;
        if (limits.body_rate != 0) left += std::chrono::nanoseconds(std::chrono::seconds(1)) * size / limits.body_rate;
        body_->time_left = std::clamp<loop::clock::duration>(left, {}, limits.body_time);
    }

    connection& owner_;
    lease bytes_;
    std::string_view rest_;
    std::optional<request> asked_;
    std::optional<response> reply_;
    std::optional<std::error_code> lost_;
    task<> work_; // the handler's, while it has not ended
    std::exception_ptr thrown_;
    response_batch::place begin_; // of the response
    std::optional<body_state> body_;
    std::optional<send_state> sending_;
    bool keep_alive_ = true;
    bool holds_request_ = false;
    bool in_body_ = false;
    bool owes_continue_ = false; // the client sends the body only once it is asked to, which it has not been
    bool taken_back_ = false;
    bool flushed_ = false; // the response, or a part of it
    bool cannot_send_ = false;
};

/// An idle connection has no room for a send: that is made in the turn.
template <byte_stream Stream>
class connection<Stream>::sending {
public:
    explicit sending(connection& owner) noexcept : owner_(owner) {}

    bool await_ready() { return owner_.turn_->send().await_ready(); }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        return owner_.begin_sending(handle);
    }

    void await_resume() { owner_.end_sending(); }

private:
    connection& owner_;
};

/// One awaiter for whatever it is, so that the idle connection's frame has room for one only.
template <byte_stream Stream>
class connection<Stream>::going_on {
public:
    explicit going_on(connection& owner) noexcept : owner_(owner) {}

    bool await_ready() {
        if (sends()) return owner_.turn_->send().await_ready();
        owner_.rest_ = owner_.next_ == step::turn ? owner_.finish_turn() : owner_.end();
        return owner_.rest_.start(owner_.time_.chain());
    }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (sends()) return owner_.begin_sending(handle);
        owner_.rest_.end().await_suspend(handle);
        return true;
    }

    void await_resume() {
        if (sends()) return owner_.end_sending();
        std::exchange(owner_.rest_, {}).take();
    }

private:
    bool sends() const noexcept { return owner_.next_ == step::send; }

    connection& owner_;
};

/// From await_suspend, of a send that is not over at once: whether it is to be waited for.
template <byte_stream Stream>
template <class Promise>
bool connection<Stream>::begin_sending(std::coroutine_handle<Promise> handle) {
    auto& begun = turn_->send_begun();
    if constexpr (!std::is_void_v<decltype(begun.await_suspend(handle))>) {
        if (!begun.await_suspend(handle)) return false;
    } else {
        begun.await_suspend(handle);
    }
    set_send_limit();
    time_.guard();
    return true;
}

template <byte_stream Stream>
void connection<Stream>::end_sending() {
    const auto sent = turn_->send_begun().await_resume();
    time_.relax();
    if (!sent) say_no_more();
    end_turn();
}

template <byte_stream Stream>
auto connection<Stream>::answer_at_once(bool came) -> step {
    idle_ = false;
    time_.relax();
    if (!came && time_.expired() && in_request()) return step::end;
    over_ = !came;
    if (over_) return step::read;
    if constexpr (gives_at_once<Stream>)
        return begin_turn(stream_.take());
    else
        return step::turn;
}

template <byte_stream Stream>
auto connection<Stream>::begin_turn(result<lease> received) -> step {
    over_ = !received || received->text().empty();
    if (over_) return step::read;
    learn_address();
    if (desk_ == nullptr) desk_ = owner_.take_desk();
    turn_.reset(new turn(*this, std::move(*received)));
    answer_what_came();
    if (turn_->in_request() || turn_->holds_request() || over_) return step::turn;
    if (desk_->batch.is_long()) return step::turn;
    if (!desk_->batch.empty()) return step::send;
    end_turn();
    return step::read;
}

/// Ends the request that was waited for, and goes on as far as that needs no other wait.
template <byte_stream Stream>
void connection<Stream>::answer_what_came() {
    turn& present = *turn_;
    for (;;) {
        if (present.in_request()) conclude_request();
        if (over_) break;
        if (!present.holds_request()) {
            if (present.rest().empty()) break;
            const auto parsed = desk_->parser.parse(present.rest());
            if (parsed == request_parser::step::more) break;
            if (parsed == request_parser::step::refused) {
                refuse(desk_->parser.why());
                unread_ = true;
                break;
            }
            phase_ = phase::none;
            present.hold_request(parsed == request_parser::step::head);
            if (present.sends_first()) return;
        }
        if (!present.begin_request(owner_.answer)) return;
    }
    present.release();
}

template <byte_stream Stream>
void connection<Stream>::conclude_request() {
    turn& present = *turn_;
    response& reply = present.reply();
    const bool in_body = present.in_body();
    ending how = ending::broken;
    const bool is_lost = present.is_lost();
    if (is_lost)
        lose_response(present.asked(), reply);
    else
        how = end_response(present.asked(), reply, present.thrown(), present.why(), present.taken_back());
    if (how == ending::broken) present.forget_response();
    over_ = how != ending::goes_on || reply.is_last() || in_body;
    unread_ = !is_lost && (in_body || !present.rest().empty() || present.asked().keep_alive);
    present.forget_request();
    if (how == ending::broken) unread_ = false;
}

template <byte_stream Stream>
void connection<Stream>::say_no_more() noexcept {
    over_ = true;
    unread_ = false;
    desk_->batch.clear();
}

template <byte_stream Stream>
void connection<Stream>::end_turn() noexcept {
    turn_.reset();
    desk_->batch.clear();
    if (!over_ && desk_->parser.at_rest()) owner_.give_back(std::move(desk_));
}

template <byte_stream Stream>
task<> connection<Stream>::end() {
    over_ = true;
    if (!time_.expired()) co_return co_await linger();
    if (in_request()) co_await turn_away({408, "The request did not arrive in time.", refusal_cause::too_slow});
}

template <byte_stream Stream>
task<> connection<Stream>::finish_turn() {
    if constexpr (!gives_at_once<Stream>) {
        auto received = co_await stream_.receive();
        if (begin_turn(std::move(received)) == step::read) co_return;
    }
    while (turn_->in_request() || turn_->holds_request()) {
        if (turn_->in_request()) {
            co_await turn_->end_request();
        } else {
            auto sent = co_await turn_->flush();
            if (!sent) {
                say_no_more();
                break;
            }
        }
        answer_what_came();
    }
    if (desk_->batch.is_long()) {
        auto sent = co_await turn_->flush();
        if (!sent) say_no_more();
    }
    if (desk_->batch.empty())
        end_turn();
    else
        co_await send();
    if (over_ && unread_) co_await linger();
}

template <byte_stream Stream>
task<> connection<Stream>::turn_away(refusal why) {
    learn_address();
    if (desk_ == nullptr) desk_ = owner_.take_desk();
    refuse(why);
    set_send_limit();
    time_.guard();
    auto sent = co_await stream_.send(desk_->batch.pieces());
    time_.relax();
    if (sent) co_await linger();
}

template <byte_stream Stream>
task<> connection<Stream>::linger() {
    time_.expires_after(linger_time);
    time_.guard();
    auto ended = co_await shutdown_send(stream_);
    for (std::size_t size = 0; ended && size < linger_bytes && !time_.expired();) {
        auto received = co_await stream_.receive();
        if (!received || received->text().empty()) break;
        size += received->text().size();
    }
    time_.relax();
}

} // namespace tuyau::http::detail
