#pragma once

#include <cerrno>
#include <concepts>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/uio.h>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/net/tls/engine.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/sync/mutex.hpp>
#include <tuyau/runtime/task.hpp>
#include <tuyau/runtime/timer.hpp>

namespace tuyau::detail {

/// A transport and the TLS upon it: what a `tls_stream` shares with the tasks that use it.
///
/// OpenSSL is called between two waits, so that no lock is needed for it. Two turns are: one coroutine at a time receives
/// from the transport, and one at a time sends. A sender that needs input, in the middle of a message of TLS's own, waits
/// with the receiver for whatever comes next.
template <byte_stream Stream>
class tls_connection {
public:
    tls_connection(Stream stream, const tls_context& context, std::string_view host)
        : transport(std::move(stream)), engine(context, host) {}

    Stream transport;
    tls_engine engine;

    task<result<void>> handshake() {
        for (;;) {
            const unsigned before = fills_;
            const tls_engine::step outcome = engine.handshake();
            settle();
            // Also what tells the peer why it is refused.
            auto sent = co_await flush();
            if (outcome == tls_engine::step::failed) co_return failure(engine.failure().code);
            // A peer that has closed may have told why before it did.
            const bool goes_on = outcome == tls_engine::step::needs_input && !sent && !is_cancelled(sent.error());
            if (!sent && !goes_on) co_return failure(sent.error());
            if (outcome == tls_engine::step::done) co_return result<void>();
            auto filled = co_await fill(before);
            if (!filled) co_return failure(filled.error());
        }
    }

    /// Until `read`, a step of the engine's, has something to give. One that only waits leaves what comes to the transport as
    /// long as it can.
    template <std::invocable<tls_engine&> Read>
    task<result<void>> receive(const Read& read, bool only_waits = false) {
        if (!engine.established()) co_return failure(engine.failure().code ? engine.failure().code : not_connected());
        for (;;) {
            const unsigned before = fills_;
            const tls_engine::step outcome = read(engine);
            settle();
            if (!engine.output().empty()) co_await answer();
            switch (outcome) {
            case tls_engine::step::failed: co_return failure(engine.failure().code);
            case tls_engine::step::done:
            case tls_engine::step::ended: co_return result<void>();
            case tls_engine::step::needs_input: break;
            }
            auto filled = co_await fill(before, only_waits);
            if (!filled) co_return failure(filled.error());
        }
    }

    task<result<void>> send(std::span<iovec> pieces) {
        if (!engine.established()) co_return failure(engine.failure().code ? engine.failure().code : not_connected());
        if (engine.sending_ended()) co_return failure(EPIPE);
        for (;;) {
            const unsigned before = fills_;
            const tls_engine::step outcome = engine.write(pieces);
            settle();
            auto sent = co_await flush();
            if (outcome == tls_engine::step::failed) co_return failure(engine.failure().code);
            if (!sent) co_return failure(sent.error());
            if (outcome == tls_engine::step::done && pieces.empty()) co_return result<void>();
            if (outcome != tls_engine::step::needs_input) continue;
            auto filled = co_await fill(before);
            if (!filled) co_return failure(filled.error());
        }
    }

    task<result<void>> end_sending() {
        if (!engine.established()) co_return failure(engine.failure().code ? engine.failure().code : not_connected());
        for (;;) {
            const unsigned before = fills_;
            const tls_engine::step outcome = engine.end_sending();
            settle();
            auto sent = co_await flush();
            if (outcome == tls_engine::step::failed) co_return failure(engine.failure().code);
            if (!sent) co_return failure(sent.error());
            if (outcome == tls_engine::step::done) co_return result<void>();
            auto filled = co_await fill(before);
            if (!filled) co_return failure(filled.error());
        }
    }

    /// Whether there is nothing for a receiver, once what there is has been read. Nobody receives meanwhile.
    task<bool> is_quiet() {
        if (!engine.established()) co_return false;
        co_await yield(); // the loop sees what a receive that is under way has brought
        for (int reads = 0; reads < most_reads_in_silence; ++reads) {
            const unsigned before = fills_;
            const tls_engine::step outcome = engine.look();
            settle();
            if (outcome != tls_engine::step::needs_input) co_return false;
            if (!engine.output().empty()) co_await answer();
            bool silent = co_await tuyau::is_quiet(transport);
            if (silent) co_return true;
            auto filled = co_await fill(before);
            if (!filled) co_return false;
        }
        co_return false;
    }

    /// Sends the end of TLS, as much of it as the transport takes without waiting, if nobody sends just now.
    void end_now() noexcept {
        if constexpr (requires { transport.send_now(std::string_view()); }) {
            if (!engine.established() || broken_ || !outgoing_.empty() || sends_now()) return;
            if (engine.end_sending() != tls_engine::step::done) return;
            for (const iovec& each : engine.output().pieces())
                if (transport.send_now({static_cast<const char*>(each.iov_base), each.iov_len}) != each.iov_len) return;
        }
    }

private:
    // For a peer that never stops offering tickets.
    static constexpr int most_reads_in_silence = 16;

    static std::error_code not_connected() { return std::make_error_code(std::errc::not_connected); }

    /// The input's lease goes as soon as its bytes are used, or nearly so: it is memory that all streams of the loop share.
    void settle() {
        if (input_ && engine.keep_input()) input_.reset();
    }

    /// Waits until there is more input than there was `before`, whoever receives it.
    task<result<void>> fill(unsigned before, bool only_waits = false) {
        auto turn = co_await receiving_.lock();
        if (!turn) co_return failure(turn.error());
        if (fills_ != before) co_return result<void>();
        if (only_waits) {
            bool there = co_await transport.readable();
            if (!there) co_return failure(std::errc::operation_canceled);
        }
        auto received = co_await transport.receive();
        if (!received) co_return failure(received.error());
        ++fills_;
        if (received->text().empty()) {
            engine.end_input();
        } else {
            input_.emplace(std::move(*received));
            engine.feed(input_->text());
        }
        co_return result<void>();
    }

    /// Sends what there is to send. What a send that was stopped has left is sent by the next one.
    task<result<void>> flush() {
        if (engine.output().empty() && outgoing_.empty()) co_return result<void>();
        auto turn = co_await sending_.lock();
        if (!turn) co_return failure(turn.error());
        for (;;) {
            if (broken_) co_return failure(broken_);
            if (outgoing_.empty()) outgoing_.swap(engine.output());
            if (outgoing_.empty()) co_return result<void>();
            // In case the wait is destroyed: nobody knows then how much was sent.
            broken_ = std::make_error_code(std::errc::connection_aborted);
            auto sent = co_await transport.send(outgoing_.pieces());
            broken_ = sent || is_cancelled(sent.error()) ? std::error_code() : sent.error();
            if (!sent) co_return failure(sent.error());
            outgoing_.clear();
        }
    }

    /// For what TLS says by itself while somebody receives: if somebody sends just now, it goes along with that.
    task<> answer() {
        if (sends_now() && engine.output().size() < tls_block::size) co_return;
        co_await flush(); // its failure is told to who sends
    }

    bool sends_now() noexcept { return !sending_.try_lock().owns_lock(); }

    mutex receiving_;
    mutex sending_;
    std::optional<received_by<Stream>> input_; // where the engine's input lies, unless the engine keeps it
    tls_output outgoing_;                      // what is being sent, while the engine has other output
    std::error_code broken_;                   // why nothing can be sent any more
    unsigned fills_ = 0;
};

} // namespace tuyau::detail
