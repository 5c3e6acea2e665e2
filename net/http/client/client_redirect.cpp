// Where a session asks next: redirects, and what is said again without an expectation.

#include <tuyau/net/http/client/client_session.hpp>

#include <utility>

#include <fmt/format.h>

namespace tuyau::http::detail {
namespace {

using kind = client_error::kind;

// Of a response that nobody is to see: read for the sake of the connection, which is closed past it.
constexpr std::size_t most_passed_over = 65536;

bool is_redirect(int status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

} // namespace

/// Makes the request what is to be asked next, if the response sends it elsewhere; whether it does.
task<client_result<bool>> client_session::follow() {
    const response_head& head = exchange_.response().head();
    const bool is_refused_expectation = head.status == 417 && asked_.wants_continue();
    const std::string location(head.value_of("location"));
    const bool is_followed = is_redirect(head.status) && client_->options.redirects > 0 && !location.empty();
    if (is_refused_expectation) {
        asked_.remove("expect"); // RFC 9110, section 10.1.1: it may be asked without
        asked_.expect_continue = false;
    } else if (!is_followed) {
        co_return false;
    } else if (auto fault = redirect(location)) {
        co_return tl::unexpected(std::move(*fault));
    }
    co_await exchange_.pass_over(most_passed_over);
    exchange_.end();
    auto prepared = co_await prepare_again();
    if (!prepared) co_return tl::unexpected(std::move(prepared.error()));
    co_return true;
}

std::optional<client_error> client_session::redirect(std::string_view location) {
    const response_head& head = exchange_.response().head();
    client_error error{kind::bad_redirect, client_error::stage::head, exchange_.connection().peer, 0, {}, {}};
    const client_options& options = client_->options;
    if (redirects_ == options.redirects) {
        error.what = kind::too_many_redirects;
        error.text = fmt::format("{} redirects were followed, and {} leads to yet another", redirects_,
                                 asked_.where.to_string());
        return error;
    }
    auto next = resolve_reference(asked_.where, location);
    if (!next) {
        error.text = fmt::format("it leads to '{}': at byte {}, {}", location, next.error().offset, next.error().text);
        return error;
    }
    if (asked_.where.secure && !next->secure && !options.allow_downgrade) {
        error.text =
            fmt::format("it leads from https to {}, where everybody on the way could read along", next->to_string());
        return error;
    }
    ++redirects_;
    if (next->same_origin(first_)) {
        if (!next->user) next->user = first_.user;
    } else {
        for (const char* each : {"authorization", "cookie", "host"}) asked_.remove(each);
        if (next->same_origin(asked_.where) && !next->user) next->user = asked_.where.user;
    }
    const bool is_moved = head.status == 301 || head.status == 302;
    const bool loses_body =
        head.status == 303 ? asked_.method != "HEAD" : is_moved && (asked_.method == "POST" || asked_.keep_method);
    if (loses_body) {
        if (!asked_.keep_method) asked_.method = "GET";
        asked_.body = {};
        for (const char* each : {"content-type", "content-length", "content-encoding", "content-language", "expect"})
            asked_.remove(each);
    }
    if (asked_.observer != nullptr) asked_.observer->redirected(head, *next);
    asked_.where = std::move(*next);
    return std::nullopt;
}

/// Has a source of the body begin anew if it was read from.
task<client_result<void>> client_session::prepare_again() {
    body_source* source = asked_.body.source();
    if (source == nullptr || !exchange_.source_was_read()) co_return client_result<void>();
    auto rewound = co_await source->rewind();
    if (rewound && *rewound) co_return client_result<void>();
    client_error error{kind::not_repeatable, client_error::stage::preparing, making_.peer, 0, {}, {}};
    error.text = "the request's body would have to be sent again, and can be read only once";
    if (!rewound) error.text += ": " + rewound.error().message();
    co_return tl::unexpected(std::move(error));
}

} // namespace tuyau::http::detail
