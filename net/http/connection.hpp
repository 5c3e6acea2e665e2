#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/net/http/admission.hpp>
#include <tuyau/net/http/connection_base.hpp>
#include <tuyau/runtime/await_chain.hpp>
#include <tuyau/runtime/nested_chain.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http::detail {

/// The address of the peer without its port, where a stream knows it.
template <class Stream>
std::string address_of(const Stream& stream) {
    if constexpr (requires { stream.peer_endpoint()->address(); }) {
        if (auto peer = stream.peer_endpoint()) return peer->address();
    }
    return {};
}

/// Whether a stream gives what `readable` has told of without another wait.
template <class Stream>
concept gives_at_once = requires(Stream& stream) {
    { stream.take() } -> std::same_as<result<tuyau::detail::received_by<Stream>>>;
};

/// An awaitable that needs no pointer to itself, as it is awaited where it is made.
template <class Awaitable>
struct in_place {
    Awaitable made;

    bool await_ready() { return made.await_ready(); }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> handle) {
        return made.await_suspend(handle);
    }
    decltype(auto) await_resume() { return made.await_resume(); }
};

template <byte_stream Stream>
class connection final : public connection_base {
public:
    connection(server_state& owner, Stream stream) noexcept : connection_base(owner), stream_(std::move(stream)) {}

    auto readable() & noexcept {
        using awaitable = decltype(stream_.readable());
        if constexpr (requires(awaitable& made) { made.await_ready(); })
            return in_place<awaitable>{stream_.readable()};
        else
            return stream_.readable();
    }

    /// After a wait for bytes, which came or did not: answers all that needs no further wait, in no frame of its own.
    void answer(bool came) { next_ = answer_at_once(came); }

    class going_on;

    /// Awaits what there is more to wait for: mostly that the answers of a turn are sent.
    going_on go_on() noexcept { return going_on(*this); }

    /// Says why, and ends.
    task<> turn_away(refusal why);

private:
    class turn;
    using lease = tuyau::detail::received_by<Stream>;

    /// Asks for the client's address, if somebody wants to know.
    void learn_address() {
        if (owner_.observer && address_ == nullptr) address_ = std::make_unique<std::string>(address_of(stream_));
    }

    step answer_at_once(bool came);
    step begin_turn(result<lease> received);
    void answer_what_came();
    void conclude_request();
    void say_no_more() noexcept;
    void end_turn() noexcept;
    task<> finish_turn();
    task<> end();
    task<> linger();

    class sending;

    /// Awaits that all answers of the present turn are sent.
    sending send() noexcept { return sending(*this); }

    template <class Promise>
    bool begin_sending(std::coroutine_handle<Promise> handle);
    void end_sending();

    Stream stream_;
    std::unique_ptr<turn> turn_;
    task<> rest_; // what a turn, or the end, takes beside one send
};

/// The frame that a connection has while it is idle: what it does when something came needs room only then. What it was
/// `given` is kept until the end.
template <byte_stream Stream>
task<> converse(server_state& owner, Stream stream, [[maybe_unused]] admission given = {}) {
    connection<Stream> here(owner, std::move(stream));
    here.run_in(co_await this_chain());
    while (!here.over()) {
        if (here.may_wait()) here.answer(co_await here.readable());
        if (here.has_more()) co_await here.go_on();
    }
}

} // namespace tuyau::http::detail

#include <tuyau/net/http/turn.hpp>
