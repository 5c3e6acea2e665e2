#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

#include <liburing.h>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/system.hpp>
#include <tuyau/runtime/timer.hpp>

#include "actor.hpp"
#include "descriptors.hpp"

namespace simulation::programs {

using tuyau::buffer;
using tuyau::result;
using tuyau::task;

namespace {

constexpr std::size_t most_kept = 3;

/// One end of a conversation. It may be moved, closed and broken off while others send and receive on it.
struct line {
    line(role player, tuyau::tcp_stream connection, conversation& spoken, unsigned number, std::uint64_t sent,
         std::uint64_t got)
        : who(player), stream(std::move(connection)), about(spoken), side(number), position(sent), received(got) {}
    line(const line&) = delete;
    ~line() {
        // What still comes for it is answered with a reset; and a send may have been cut short.
        if (!at_end || failed)
            about.disturbed = true;
        else
            about.said[side].ended = true;
    }

    direction& mine() const { return about.said[side]; }
    const direction& others() const { return about.said[1 - side]; }

    role who;
    tuyau::tcp_stream stream;
    conversation& about;
    unsigned side;
    std::uint64_t position; ///< of what it sends next
    std::uint64_t received;
    bool failed = false; ///< to send, or still sends: nobody knows how much was sent
    bool at_end = false; ///< of what it receives
    bool lost = false;   ///< it was destroyed while it received into memory of its own, or still receives
};

void check_received(line& at, std::string_view bytes) {
    expect(at.about.matches(1 - at.side, at.received, bytes),
           "wrong bytes at {} of what side {} of conversation {} received", at.received, at.side, at.about.number);
    at.received += bytes.size();
    expect(at.received <= at.others().attempted, "side {} of conversation {} received more than was sent", at.side,
           at.about.number);
}

void check_end(line& at) {
    at.at_end = true;
    if (at.about.disturbed || !at.about.begun || !at.about.served || at.who.all.lines_may_break()) return;
    expect(at.others().ended && at.received == at.others().sure, "side {} of conversation {} received {} of {} bytes",
           at.side, at.about.number, at.received, at.others().sure);
}

enum class outcome { more, later, over };

outcome outcome_of(line& at, const std::error_code& error) {
    if (error == std::errc::timed_out) return outcome::later;
    if (!tuyau::is_cancelled(error)) at.about.disturbed = true;
    return outcome::over;
}

task<result<buffer>> lease(line& at) { co_return co_await at.stream.receive(); }

task<outcome> receive_lease(line& at, duration limit) {
    result<buffer> got;
    if (limit != 0ns)
        got = co_await tuyau::with_deadline(limit, lease(at));
    else
        got = co_await at.stream.receive();
    if (!got) co_return outcome_of(at, got.error());
    if (got->empty()) {
        check_end(at);
        co_return outcome::over;
    }
    const std::uint64_t position = at.received;
    check_received(at, got->text());
    auto& kept = at.who.here().kept;
    if (kept.size() < most_kept && at.who.all.next.one_in(4))
        kept.push_back({std::move(*got), &at.about, 1 - at.side, position});
    co_return outcome::more;
}

task<outcome> receive_here(line& at, duration limit) {
    std::array<std::byte, 600> memory;
    const std::span space(memory.data(), at.who.all.next.one_of<std::size_t>(600, 1, 30));
    result<std::size_t> got;
    at.lost = true;
    if (limit != 0ns)
        got = co_await tuyau::with_deadline(limit, at.stream.receive(space));
    else
        got = co_await at.stream.receive(space);
    at.lost = false;
    if (!got) co_return outcome_of(at, got.error());
    if (*got == 0) {
        check_end(at);
        co_return outcome::over;
    }
    check_received(at, {reinterpret_cast<const char*>(memory.data()), *got});
    co_return outcome::more;
}

task<outcome> receive_some(line& at) {
    if (at.lost) co_return outcome::over;
    const auto limit = at.who.all.next.one_of<duration>(0ns, 0ns, 10us, 2ms);
    const bool into_own = at.who.all.next.one_in(3);
    co_return co_await (into_own ? receive_here(at, limit) : receive_lease(at, limit));
}

task<outcome> send_some(line& at) {
    if (at.failed || at.mine().ended) co_return outcome::over;
    const auto size = at.who.all.next.one_of<std::size_t>(13, 1, 0, 300, 5000, 300, 1, 20000);
    const std::string bytes = at.about.text(at.side, at.position, size);
    at.mine().attempted = at.position + size;
    at.failed = true;
    result<void> sent;
    if (at.who.all.next.one_in(3)) {
        const std::string_view all = bytes;
        sent = co_await at.stream.send(all.substr(0, size / 3), all.substr(size / 3, size / 2),
                                       all.substr(size / 3).substr(size / 2));
    } else {
        sent = co_await at.stream.send(bytes);
    }
    if (!sent) {
        at.about.disturbed = true;
        co_return outcome::over;
    }
    at.failed = false;
    at.position += size;
    at.mine().sure = at.position;
    co_return outcome::more;
}

void end_sending(line& at) {
    if (at.failed || at.mine().ended) return;
    at.mine().ended = true;
    if (!at.stream.shutdown_send()) at.about.disturbed = true;
}

task<> send_for_a_while(line& at) {
    for (auto left = 1 + at.who.all.next.below(5); left != 0; --left) {
        const outcome went = co_await send_some(at);
        if (went == outcome::over) co_return;
    }
    end_sending(at);
}

task<> receive_for_a_while(line& at, std::size_t most) {
    for (; most != 0; --most) {
        const outcome went = co_await receive_some(at);
        if (went == outcome::over) co_return;
        if (at.who.all.next.one_in(8)) {
            const bool slept = co_await nap(at.who);
            if (!slept) co_return;
        }
    }
}

/// Moves, breaks or closes the stream while others use it.
task<> disturb(line& at) {
    const bool slept = co_await nap(at.who);
    if (!slept) co_return;
    switch (at.who.all.next.below(4)) {
    case 0:
    case 1: {
        tuyau::tcp_stream moved = std::move(at.stream);
        at.stream = std::move(moved);
        break;
    }
    case 2:
        at.about.disturbed = true;
        at.stream.abort();
        break;
    default: at.about.disturbed = true; at.stream.close();
    }
}

task<> talk_both_ways(line& at) {
    tuyau::scope both;
    both.spawn(receive_for_a_while(at, 40));
    both.spawn(send_for_a_while(at));
    if (at.who.all.next.one_in(3)) both.spawn(disturb(at));
    if (at.who.all.next.one_in(5)) {
        const bool slept = co_await nap(at.who);
        (void)slept;
        co_return;
    }
    co_await both.join();
}

task<> talk_in_turns(line& at) {
    for (auto left = 1 + at.who.all.next.below(6); left != 0; --left) {
        switch (at.who.all.next.below(4)) {
        case 0: {
            const bool slept = co_await nap(at.who);
            if (!slept) co_return;
            break;
        }
        case 1: {
            const outcome went = co_await receive_some(at);
            if (went == outcome::over) co_return;
            break;
        }
        default: {
            const outcome went = co_await send_some(at);
            if (went == outcome::over) co_return;
        }
        }
    }
    end_sending(at);
}

task<bool> read_greeting(tuyau::tcp_stream& from, std::array<std::byte, conversation::greeting>& into) {
    std::size_t done = 0;
    while (done != into.size()) {
        auto got = co_await from.receive(std::span(into).subspan(done));
        if (!got || *got == 0) co_return false;
        done += *got;
    }
    co_return true;
}

task<> serve(role who, tuyau::tcp_stream stream) {
    std::array<std::byte, conversation::greeting> greeting{};
    auto greeted = co_await tuyau::with_deadline(3s, read_greeting(stream, greeting));
    if (!greeted || !*greeted) co_return;
    std::uint64_t number = 0;
    std::memcpy(&number, greeting.data(), sizeof number);
    conversation* about = who.all.find_conversation(number);
    expect(about != nullptr && !about->served, "a conversation begins with {}", number);
    about->served = true;
    co_await talk(who, std::move(stream), *about, 1, 0, conversation::greeting);
}

task<> accept_for_a_while(role who, tuyau::tcp_listener& on, tuyau::scope& guests) {
    for (;;) {
        auto client = co_await on.accept();
        expect(client || tuyau::is_cancelled(client.error()), "accept ended with {}",
               client ? "" : client.error().message());
        if (!client) co_return;
        guests.spawn(serve(who.below(), std::move(*client)));
        if (guests.size() > 10) {
            const bool fewer = co_await guests.fewer_than(8);
            if (!fewer) co_return;
        }
    }
}

/// A port on which somebody listens, here or on another loop.
std::optional<tuyau::endpoint> choose_address(role who) {
    return who.all.all[who.all.next.below(who.all.all.size())].where;
}

task<result<int>> connect_by_hand(int fd, const tuyau::endpoint& where) {
    co_return co_await tuyau::operation(
        [&](io_uring_sqe& sqe) { io_uring_prep_connect(&sqe, fd, where.native(), where.native_size()); });
}

/// Whether all of it was sent, without a copy.
task<bool> send_pattern(role who, int fd, conversation& about, std::uint64_t& position, std::size_t size) {
    std::string bytes = about.text(0, position, size);
    about.said[0].attempted = position + size;
    std::size_t done = 0;
    const int flags = who.all.next.one_of<int>(0, MSG_WAITALL);
    while (done != size) {
        auto sent = co_await tuyau::operation(
            [&](io_uring_sqe& sqe) { io_uring_prep_send_zc(&sqe, fd, bytes.data() + done, size - done, flags, 0); });
        if (!sent && sent.error().value() == EAGAIN) continue;
        if (!sent) co_return false;
        std::fill_n(bytes.data() + done, *sent, '\0'); // nobody reads it any more
        done += static_cast<std::size_t>(*sent);
        position += static_cast<std::size_t>(*sent);
        about.said[0].sure = position;
    }
    co_return true;
}

} // namespace

task<> talk(role who, tuyau::tcp_stream stream, conversation& about, unsigned side, std::uint64_t sent,
            std::uint64_t received) {
    line at(who, std::move(stream), about, side, sent, received);
    if (who.all.next.one_in(2))
        co_await talk_both_ways(at);
    else
        co_await talk_in_turns(at);
    if (who.all.next.one_in(4)) co_return;
    // To the end, if that comes soon.
    auto ended = co_await tuyau::with_deadline(300ms, receive_for_a_while(at, 1000));
    (void)ended;
}

task<> talk_to_somebody(role who) {
    const auto where = choose_address(who);
    if (!where) co_return;
    auto stream = co_await tuyau::connect(*where, who.all.next.one_of(200ms, 0ms, 5ms));
    if (!stream) co_return;
    conversation& about = who.all.begin_conversation();
    const std::string greeting = about.text(0, 0, conversation::greeting);
    about.said[0].attempted = conversation::greeting;
    auto sent = co_await stream->send(greeting);
    if (!sent) co_return;
    about.begun = true;
    about.said[0].sure = conversation::greeting;
    co_await talk(who, std::move(*stream), about, 0, conversation::greeting, 0);
}

task<> send_without_copy(role who) {
    const auto where = choose_address(who);
    if (!where) co_return;
    descriptor socket(tuyau::system::open_socket(AF_INET, SOCK_STREAM, 0));
    if (socket.get() < 0) co_return;
    auto connected = co_await tuyau::with_deadline(200ms, connect_by_hand(socket.get(), *where));
    if (!connected) co_return;
    conversation& about = who.all.begin_conversation();
    std::uint64_t position = 0;
    bool well = co_await send_pattern(who, socket.get(), about, position, conversation::greeting);
    for (auto left = who.all.next.below(3); well && left != 0; --left) {
        const auto size = who.all.next.one_of<std::size_t>(200, 1, 9000);
        well = co_await send_pattern(who, socket.get(), about, position, size);
    }
    if (!well) co_return;
    about.begun = true;
    co_await talk(who, tuyau::tcp_stream(socket.release()), about, 0, position, 0);
}

task<> listen(role who) {
    const tuyau::await_chain* chain = co_await tuyau::this_chain();
    while (!chain->stop_requested()) {
        auto bound = tuyau::tcp_listener::bind({"127.0.0.1", 0}, {.backlog = who.all.next.one_of(16, 1)});
        if (!bound) { // no descriptor is left
            const bool slept = co_await nap(who);
            (void)slept;
            auto paused = co_await tuyau::sleep_for(5ms);
            (void)paused;
            continue;
        }
        const auto where = bound->local_endpoint();
        if (where) who.here().where = *where;
        tuyau::scope guests;
        auto ended = co_await tuyau::with_deadline(who.all.next.one_of<duration>(1h, 1h, 50ms),
                                                   accept_for_a_while(who, *bound, guests));
        (void)ended;
        who.here().where.reset();
        bound->close();
        if (who.all.next.one_in(2)) co_await guests.join();
    }
}

} // namespace simulation::programs
