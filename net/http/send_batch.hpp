#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/uio.h>

#include <tuyau/net/http/response_batch.hpp>
#include <tuyau/net/send_copied.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http::detail {

// What a stream may have beyond what each has, and what takes its place: see `tcp_stream`.

template <class Stream>
auto send_before_more(Stream& to, std::span<iovec> pieces) {
    if constexpr (requires { to.send_before_more(pieces); })
        return to.send_before_more(pieces);
    else
        return to.send(pieces);
}

template <class Stream>
task<result<std::size_t>> send_some(Stream& to, const file& from, std::uint64_t position, std::uint64_t most) {
    if constexpr (requires { to.send_some(from, position, most); })
        return to.send_some(from, position, most);
    else
        return send_copied(to, from, position, most);
}

// What a client has to take of a file to get on: by less it could hold a connection for ever, a byte now and then.
constexpr std::size_t least_progress = 16 * 1024;

/// Sends pieces, before others if `more` follows; so many bytes at a time that a client which takes them in its own time gets
/// on. Calls `got_on` before each of the sends.
template <class Stream, class Progress>
task<result<void>> send_pieces(Stream& to, std::span<iovec> pieces, bool more, Progress& got_on) {
    for (;;) {
        got_on();
        std::size_t count = 0;
        std::size_t room = response_batch::most_at_once;
        while (count != pieces.size() && pieces[count].iov_len <= room) room -= pieces[count++].iov_len;
        if (count == pieces.size()) break;
        const iovec cut = pieces[count];
        pieces[count].iov_len = room;
        auto sent = co_await send_before_more(to, pieces.first(count + 1));
        if (!sent) co_return failure(sent.error());
        pieces = pieces.subspan(count);
        pieces.front() = {static_cast<char*>(cut.iov_base) + room, cut.iov_len - room};
    }
    if (more) {
        auto sent = co_await send_before_more(to, pieces);
        co_return sent;
    }
    auto sent = co_await to.send(pieces);
    co_return sent;
}

/// Sends a batch that is long. Calls `got_on` at its beginning and its end, and whenever the client has got on.
template <class Stream, class Progress>
task<result<void>> send_in_parts(Stream& to, response_batch& batch, Progress got_on) {
    const std::span<iovec> pieces = batch.pieces();
    std::size_t done = 0;
    std::size_t taken = 0; // since the client has last got on
    got_on();
    for (response_batch::file_part next : batch.files()) {
        if (next.place != done) {
            auto sent = co_await send_pieces(to, pieces.subspan(done, next.place - done), true, got_on);
            if (!sent) co_return failure(sent.error());
            done = next.place;
        }
        while (next.size != 0) {
            auto sent = co_await send_some(to, *next.from, next.position, next.size);
            if (!sent) co_return failure(sent.error());
            next.position += *sent;
            next.size -= *sent;
            taken += *sent;
            if (next.sent != nullptr) *next.sent += *sent;
            if (taken < least_progress) continue;
            taken = 0;
            got_on();
        }
    }
    got_on();
    if (done == pieces.size()) co_return {};
    auto sent = co_await send_pieces(to, pieces.subspan(done), false, got_on);
    co_return sent;
}

} // namespace tuyau::http::detail
