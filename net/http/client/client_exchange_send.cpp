// What an exchange sends beside receiving: bodies of some size, and those that the server is asked about first.

#include <tuyau/net/http/client/client_exchange.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/nested_chain.hpp>

namespace tuyau::http::detail {
namespace {

// Sent at a time, so that it shows when a slow server still takes something.
constexpr std::size_t most_at_a_time = std::size_t{1} << 20;

iovec piece_of(std::string_view bytes) noexcept { return {const_cast<char*>(bytes.data()), bytes.size()}; }

} // namespace

task<> client_exchange::send_beside() {
    try {
        auto sent = co_await send_all();
        sent_at_ = loop::current().now();
        sent_ = sent && permission_ == permission::given && !source_error_;
        if (!sent) send_error_ = sent.error();
    } catch (const std::exception& error) { // of the source
        source_error_ = fmt::format("the request's body cannot be read: {}", error.what());
    }
    await_chain* chain = co_await this_chain();
    if (!sent_ && chain->stop_requested()) { // whatever the source makes of that
        source_error_.reset();
        send_error_ = std::make_error_code(std::errc::operation_canceled);
    }
    if (source_error_) stream().abort(); // the server cannot know that what it has is not all
}

task<result<void>> client_exchange::send_all() {
    body_source* source = asked_.body.source();
    const bool asks_first = permission_ == permission::awaited;
    if (!asks_first && source == nullptr) co_return co_await send_bytes(head_, asked_.body.bytes());
    auto sent = co_await stream().send(head_);
    if (!sent) co_return sent;
    made_progress();
    if (asks_first) {
        co_await wait_for_permission();
        if (permission_ == permission::refused) co_return result<void>();
        permission_ = permission::given;
    }
    if (source != nullptr) co_return co_await send_source(*source);
    co_return co_await send_bytes({}, asked_.body.bytes());
}

/// For a server that knows nothing of expectations, not for ever.
task<> client_exchange::wait_for_permission() {
    const auto wait = [](event& decided) -> task<result<void>> { co_return co_await decided.wait(); };
    if (options_.continue_time.count() > 0) {
        auto waited = co_await with_deadline(options_.continue_time, wait(decided_));
        (void)waited;
    } else {
        auto waited = co_await wait(decided_);
        (void)waited;
    }
}

task<result<void>> client_exchange::send_bytes(std::string_view head, std::string_view bytes) {
    do {
        const auto next = bytes.substr(0, most_at_a_time);
        std::array pieces{piece_of(head), piece_of(next)};
        auto sent = co_await stream().send(std::span<iovec>(pieces));
        if (!sent) co_return sent;
        made_progress();
        head = {};
        bytes.remove_prefix(next.size());
    } while (!bytes.empty());
    co_return result<void>();
}

task<result<void>> client_exchange::send_source(body_source& source) {
    const auto size = source.size();
    std::uint64_t given = 0;
    source_was_read_ = true;
    for (;;) {
        auto piece = co_await source.read();
        if (!piece) {
            source_error_ = fmt::format("the request's body cannot be read: {}", piece.error().message());
            co_return result<void>();
        }
        given += piece->size();
        if (size && (given > *size || (piece->empty() && given < *size))) {
            source_error_ = fmt::format("the request's body has {} {} bytes, not the {} that were announced",
                                        given > *size ? "at least" : "only", given, *size);
            co_return result<void>();
        }
        auto sent = co_await send_piece(*piece, !size);
        if (!sent) co_return sent;
        made_progress();
        if (piece->empty() || (size && given == *size)) co_return result<void>();
    }
}

task<result<void>> client_exchange::send_piece(std::string_view piece, bool in_chunks) {
    if (!in_chunks) {
        if (piece.empty()) co_return result<void>();
        co_return co_await stream().send(piece);
    }
    if (piece.empty()) co_return co_await stream().send(std::string_view("0\r\n\r\n"));
    const std::string size = fmt::format("{:x}\r\n", piece.size());
    std::array pieces{piece_of(size), piece_of(piece), piece_of("\r\n")};
    co_return co_await stream().send(std::span<iovec>(pieces));
}

} // namespace tuyau::http::detail
