#include <tuyau/net/http/client/client_exchange.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/status.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/net/tls/tls_error.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/nested_chain.hpp>

namespace tuyau::http::detail {
namespace {

using kind = client_error::kind;
using step = response_parser::step;

// What heads and small bodies come into. A body that turns out to be big is received in bigger pieces: each costs a turn
// through the loop, and one through the kernel's workers where it is written to a file.
constexpr std::size_t small_space = 16384;
constexpr std::size_t large_space = 131072;
constexpr std::size_t huge_space = 524288;

constexpr std::size_t space_after(std::uint64_t received) noexcept {
    if (received < small_space) return small_space;
    return received < huge_space ? large_space : huge_space;
}

} // namespace

/// Has the wait of the coroutine that receives bounded, and moved on by what is sent meanwhile.
class client_exchange::watch {
public:
    watch(client_exchange& owner, await_chain* chain) noexcept : owner_(owner), limit_(chain) {
        owner_.limit_passed_ = false;
        owner_.arm(limit_);
        owner_.waiting_ = &limit_;
    }
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;
    ~watch() {
        owner_.waiting_ = nullptr;
        if (limit_.expired()) owner_.limit_passed_ = true;
    }

private:
    client_exchange& owner_;
    wait_limit limit_;
};

void client_exchange::arm(wait_limit& limit) const noexcept {
    auto when = whole_limit_;
    if (options_.stall_time.count() > 0) when = std::min(when, loop::current().now() + options_.stall_time);
    if (when != clock::time_point::max()) limit.expires_at(when);
}

void client_exchange::made_progress() noexcept {
    if (waiting_ != nullptr) arm(*waiting_);
}

task<client_result<void>> client_exchange::begin(connection_lease connection, target_form form,
                                                 std::string_view extra_fields) {
    sending_.reset();
    connection_ = std::move(connection);
    info_ = connection_->info;
    parser_.emplace(asked_.method == "HEAD", options_.response);
    unparsed_ = {};
    complete_ = was_head_ = broke_ = sent_ = source_was_read_ = limit_passed_ = false;
    permission_ = asked_.wants_continue() ? permission::awaited : permission::given;
    decided_.reset();
    send_error_ = {};
    source_error_.reset();
    first_byte_at_ = {};

    write_head(head_, asked_, form, extra_fields);
    if (asked_.observer != nullptr) asked_.observer->sending(head_);
    if (asked_.body.source() == nullptr && asked_.body.bytes().size() <= small_space &&
        permission_ == permission::given) {
        head_ += asked_.body.bytes();
        auto sent = co_await send_at_once();
        if (!sent && is_cancelled(sent.error())) co_return tl::unexpected(given_up(sent.error()));
        sent_ = sent.has_value();
        if (!sent) send_error_ = sent.error();
    } else {
        sending_.emplace();
        sending_->spawn(send_beside());
    }
    for (;;) {
        auto next = co_await advance();
        if (!next) co_return tl::unexpected(std::move(next.error()));
        if (*next == step::head) break;
        if (asked_.observer != nullptr) asked_.observer->interim(parser_->head());
        if (parser_->head().status == 100) {
            permission_ = permission::given;
            decided_.set();
        }
    }
    was_head_ = true;
    decide_what_to_send();
    if (asked_.method != "HEAD" && !has_no_body(parser_->head().status) && parser_->body_size() != 0)
        co_return client_result<void>();
    auto last = co_await advance(); // there is no body: the connection is free before anybody looks at the response
    if (!last) co_return tl::unexpected(std::move(last.error()));
    co_return co_await finish();
}

task<client_result<std::string_view>> client_exchange::read() {
    if (complete_) co_return std::string_view();
    auto next = co_await advance();
    if (!next) co_return tl::unexpected(std::move(next.error()));
    if (*next == step::body) co_return parser_->body();
    auto finished = co_await finish();
    if (!finished) co_return tl::unexpected(std::move(finished.error()));
    co_return std::string_view();
}

task<> client_exchange::pass_over(std::size_t most) {
    if (complete_ || parser_->body_size().value_or(0) > most || !parser_->keeps_connection()) co_return;
    std::size_t size = 0;
    while (size <= most) {
        auto piece = co_await read();
        if (!piece || piece->empty()) co_return;
        size += piece->size();
    }
}

task<result<void>> client_exchange::send_at_once() {
    await_chain* chain = co_await this_chain();
    const watch limit(*this, chain);
    auto sent = co_await stream().send(head_);
    sent_at_ = loop::current().now();
    co_return sent;
}

/// The next step that is news.
task<client_result<step>> client_exchange::advance() {
    if (!connection_.has_connection())
        co_return tl::unexpected(failed(kind::receive_failed, "the response has failed before"));
    for (;;) {
        step next = parser_->parse(unparsed_);
        if (next == step::more) {
            auto received = co_await receive();
            if (!received) co_return tl::unexpected(given_up(received.error()));
            if (*received != 0) {
                unparsed_ = {reinterpret_cast<const char*>(connection_->space.get()), *received};
                continue;
            }
            broke_ = true;
            next = parser_->finish();
        }
        if (next == step::failed) {
            client_error error = refused();
            connection_.release();
            co_return tl::unexpected(std::move(error));
        }
        co_return next;
    }
}

task<result<std::size_t>> client_exchange::receive() {
    const std::size_t wanted = space_after(parser_->received());
    if (!connection_->space || connection_->space_size < wanted) {
        connection_->space = std::make_unique_for_overwrite<std::byte[]>(wanted);
        connection_->space_size = wanted;
    }
    const std::span<std::byte> space(connection_->space.get(), connection_->space_size);
    await_chain* chain = co_await this_chain();
    const watch limit(*this, chain);
    auto received = co_await stream().receive(space);
    if (received && parser_->received() == 0) first_byte_at_ = loop::current().now();
    co_return received;
}

task<> client_exchange::send_rest() {
    await_chain* chain = co_await this_chain();
    const watch limit(*this, chain);
    co_await sending_->join();
}

/// The response is whole.
task<client_result<void>> client_exchange::finish() {
    if (sending_ && !sent_) {
        // It answered early. Who is content with the request gets all of it, unless it wants no more.
        co_await send_rest();
        if (source_error_ || is_cancelled(send_error_)) co_return tl::unexpected(given_up(send_error_));
    }
    complete_ = true;
    end_exchange();
    co_return client_result<void>();
}

/// A server that refuses the request, or sends it elsewhere, is not sent the rest of it.
void client_exchange::decide_what_to_send() noexcept {
    if (permission_ == permission::awaited) {
        permission_ = permission::refused;
        decided_.set();
    }
    if (!sent_ && parser_->head().status >= 300) sending_.reset();
}

void client_exchange::end_exchange() noexcept {
    sending_.reset();
    const client_field* said = asked_.find("connection");
    const bool closes = said != nullptr && has_option(said->value, "close");
    if (!sent_) return connection_.release();
    if (closes || !parser_->keeps_connection() || !unparsed_.empty()) return connection_.finish();
    if (connection_->space_size > small_space) connection_->space.reset();
    connection_->info.reused = true; // from now on
    connection_.keep();
}

client_error::stage client_exchange::stage() const noexcept {
    using stage = client_error::stage;
    if (parser_->body_received() != 0 || was_head_) return stage::body;
    if (parser_->received() != 0) return stage::head;
    return sent_ ? stage::waiting : stage::sending;
}

client_error client_exchange::failed(kind what, std::string text, std::error_code code) const {
    return {what, stage(), info_.peer, parser_->received(), code, std::move(text)};
}

client_error client_exchange::given_up(std::error_code error) {
    broke_ = !is_cancelled(error);
    client_error told = why_broken(error);
    sending_.reset();
    connection_.release();
    return told;
}

client_error client_exchange::why_broken(std::error_code error) const {
    if (source_error_) return failed(kind::body_not_read, *source_error_);
    if (is_cancelled(error) && limit_passed_) {
        const bool whole = loop::current().now() >= whole_limit_;
        return failed(kind::timed_out, whole ? "the time limit for the whole request has passed"
                                             : fmt::format("nothing came or went for {} s",
                                                           std::chrono::duration<double>(options_.stall_time).count()));
    }
    if (is_cancelled(error)) return failed(kind::cancelled, "stopped", error);
    if (send_error_ && parser_->received() == 0) return failed(kind::send_failed, send_error_.message(), send_error_);
    if (error == tls_errc::truncated) return failed(kind::cut_short, error.message(), error);
    return failed(kind::receive_failed, error.message(), error);
}

client_error client_exchange::refused() const {
    const response_error& why = parser_->why();
    kind what = kind::malformed;
    switch (why.what) {
    case response_error::kind::malformed: break;
    case response_error::kind::too_large: what = kind::too_large; break;
    case response_error::kind::unsupported: what = kind::unsupported; break;
    case response_error::kind::cut_short: what = kind::cut_short; break;
    case response_error::kind::empty:
        if (source_error_) return failed(kind::body_not_read, *source_error_);
        if (send_error_) return failed(kind::send_failed, send_error_.message(), send_error_);
        what = kind::empty;
        break;
    }
    client_error told = failed(what, why.text);
    told.offset = why.offset;
    return told;
}

} // namespace tuyau::http::detail
