#pragma once

#include <concepts>
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

template <byte_stream Stream>
class connection final : public connection_base {
public:
    /// `chain` is that of the coroutine which awaits what this has to wait for.
    connection(server_state& owner, Stream stream, await_chain* chain) noexcept
        : connection_base(owner, chain), stream_(std::move(stream)) {}

    auto readable() & noexcept { return stream_.readable(); }

    /// What is to be awaited next: `readable`, `send`, or `go_on`.
    enum class step : unsigned char { read, send, go_on };

    /// After a wait for bytes, which came or did not: answers all that needs no wait, in no frame of its own.
    step answer(bool came);

    class sending;

    /// Awaits that all answers of the present turn are sent.
    sending send() noexcept { return sending(*this); }

    /// All that takes longer, or does not come often: the rest of the present turn, or the connection's end.
    task<> go_on(bool came);

    /// Says why, and ends.
    task<> turn_away(refusal why);

private:
    class turn;
    using lease = tuyau::detail::received_by<Stream>;

    /// Asks for the client's address, if somebody wants to know.
    void learn_address() {
        if (owner_.observer && address_ == nullptr) address_ = std::make_unique<std::string>(address_of(stream_));
    }

    step begin_turn(result<lease> received);
    void answer_what_came();
    void conclude_request();
    void say_no_more() noexcept;
    void end_turn() noexcept;
    task<result<void>> send_with_files();
    task<> linger();

    Stream stream_;
    std::unique_ptr<turn> turn_;
};

/// The frame that a connection has while it is idle: what it does when something came needs room only then. What it was
/// `given` is kept until the end.
template <byte_stream Stream>
task<> converse(server_state& owner, Stream stream, [[maybe_unused]] admission given = {}) {
    using step = typename connection<Stream>::step;
    await_chain* chain = co_await this_chain();
    connection<Stream> here(owner, std::move(stream), chain);
    while (!here.over()) {
        step next = step::go_on;
        bool came = false;
        if (here.may_wait()) {
            came = co_await here.readable();
            next = here.answer(came);
        }
        if (next == step::send) co_await here.send();
        if (next == step::go_on) co_await here.go_on(came);
    }
}

} // namespace tuyau::http::detail

#include <tuyau/net/http/turn.hpp>
