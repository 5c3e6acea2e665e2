#include "transfer.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/system.hpp>
#include <tuyau/runtime/timer.hpp>

#include "client_failure.hpp"
#include "failure.hpp"
#include "meter.hpp"
#include "resumption.hpp"

namespace uring_client {
namespace {

using tuyau::http::client_response;
using tuyau::http::response_head;

bool says_try_again(int status) {
    constexpr int all[] = {408, 429, 500, 502, 503, 504};
    return std::find(std::begin(all), std::end(all), status) != std::end(all);
}

bool is_redirect(const response_head& head) {
    constexpr int all[] = {301, 302, 303, 307, 308};
    return std::find(std::begin(all), std::end(all), head.status) != std::end(all) &&
           !head.value_of("location").empty();
}

/// In seconds (RFC 9110, section 10.2.3); a date is not heeded.
std::chrono::milliseconds retry_after(const response_head& head) {
    const auto text = head.value_of("retry-after");
    unsigned seconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    return std::chrono::seconds(std::min(seconds, 86400U));
}

std::string status_line(const response_head& head) {
    return head.reason.empty() ? fmt::format("{}", head.status) : fmt::format("{} {}", head.status, head.reason);
}

} // namespace

transfer::transfer(const undertaking& shared, std::size_t number, std::string text, tuyau::http::url where)
    : shared_(shared), text_(std::move(text)), where_(std::move(where)),
      transcript_(shared.told, shared.options.output.verbose,
                  shared.options.output.show_heads || shared.options.message.head_only) {
    facts_.url = text_;
    facts_.number = number;
    facts_.url_effective = where_.to_string();
    facts_.scheme = where_.secure ? "HTTPS" : "HTTP";
    facts_.begun = attempt_begun_ = tuyau::system::now();
}

tuyau::task<> transfer::run() {
    std::optional<output> opened;
    co_await in_time(open(opened));
    output& out = *opened;
    std::exception_ptr wrong;
    try {
        co_await try_until_done(out);
        co_await out.finish();
        out.commit();
        co_return;
    } catch (...) {
        wrong = std::current_exception();
    }
    try {
        co_await out.finish();
    } catch (...) { // what went wrong first is told
    }
    const bool is_kept = validator_.empty() || out.keep({where_.to_string(), validator_});
    if (!is_kept && !shared_.options.output.silent)
        shared_.told.say(fmt::format("uring-client: what has come of {0} is not kept: {0}.part cannot be written, or "
                                     "another transfer goes on with it\n",
                                     out.name()));
    std::rethrow_exception(wrong);
}

/// Runs a part of the present attempt, which has failed when its time has passed: --max-time is counted anew for each.
tuyau::task<> transfer::in_time(tuyau::task<> work) {
    const auto most = shared_.options.connection.whole_limit;
    tuyau::deadline limit;
    if (most.count() != 0) limit.expires_at(attempt_begun_ + most);
    try {
        // When the limit stops it, it says so by an exception, with more words.
        auto done = co_await tuyau::with_deadline(limit, std::move(work));
        (void)done;
    } catch (const stopped& unfinished) {
        if (!limit.expired()) throw;
        may_go_better_ = true;
        throw failure(exit_code::timed_out,
                      fmt::format("timed out after {} s (--max-time), {}", std::chrono::duration<double>(most).count(),
                                  unfinished.what()));
    }
}

/// Where the response goes; empty for standard output.
std::string transfer::path() const {
    const output_options& options = shared_.options.output;
    if (facts_.number >= options.destinations.size()) return {};
    const destination& to = options.destinations[facts_.number];
    std::string name = to.path;
    if (to.remote_name) {
        const auto end = std::min(where_.target.find('?'), where_.target.size());
        const auto begin = where_.target.rfind('/', end == 0 ? 0 : end - 1) + 1;
        name = where_.target.substr(begin, end - begin);
        if (name.empty() || name == "." || name == "..")
            throw failure(exit_code::not_written,
                          fmt::format("-O: '{}' ends in no name for a file (give one with -o)", text_));
    }
    if (name == "-" || options.folder.empty()) return name;
    return (std::filesystem::path(options.folder) / name).string();
}

tuyau::task<> transfer::open(std::optional<output>& out) {
    const output_options& options = shared_.options.output;
    std::string to = path();
    facts_.file = to;
    if (options.resume && !to.empty() && to != "-") {
        auto left = co_await find_remains(follow_links(to));
        if (left && left->url == where_.to_string()) {
            output part = co_await output::go_on(std::move(to), *left);
            out.emplace(std::move(part));
            validator_ = std::move(left->validator);
            co_return;
        }
    }
    const auto use = options.raw ? terminal_use::raw : to == "-" ? terminal_use::binary : terminal_use::text;
    output fresh = co_await output::open(std::move(to), use);
    out.emplace(std::move(fresh));
}

tuyau::task<> transfer::try_until_done(output& out) {
    const auto begun = tuyau::system::now();
    for (;; ++attempt_) {
        std::optional<failure> wrong;
        try {
            co_await in_time(try_once(out));
        } catch (const failure& error) {
            wrong = error;
        }
        if (!wrong) co_return;
        const auto pause = pause_before_next();
        const auto limit = shared_.options.repeat.retry_limit;
        const bool late = limit.count() != 0 && pause && tuyau::system::now() + *pause - begun > limit;
        // What has gone to a terminal or a pipe cannot be taken back.
        if (!pause || late || (!out.is_file() && !out.restart())) throw *wrong;
        if (!shared_.options.output.silent)
            shared_.told.say(fmt::format("uring-client: {}; trying again in {} s ({} more times)\n", wrong->what(),
                                         std::chrono::duration<double>(*pause).count(),
                                         shared_.options.repeat.retries - attempt_));
        auto slept = co_await tuyau::sleep_for(*pause);
        if (!slept) throw stopped("waiting to try again");
        attempt_begun_ = tuyau::system::now();
    }
}

/// A body that can be read only once has one attempt, unless that ended before it was read.
bool transfer::may_try_again() const noexcept {
    return attempt_ < shared_.options.repeat.retries && !shared_.sent.is_spent();
}

std::optional<std::chrono::milliseconds> transfer::pause_before_next() const {
    const repeat_options& repeat = shared_.options.repeat;
    if (!may_try_again() || !(may_go_better_ || repeat.retry_all)) return std::nullopt;
    if (retry_after_.count() > 0) return retry_after_;
    if (repeat.retry_delay.count() > 0) return repeat.retry_delay;
    constexpr std::chrono::seconds longest(600);
    return std::min<std::chrono::milliseconds>(std::chrono::seconds(1) * (std::int64_t{1} << std::min(attempt_, 20U)),
                                               longest);
}

tuyau::http::client_request transfer::request() const {
    auto asked = make_request(where_, shared_.options.message, shared_.lines, shared_.sent);
    if (!validator_.empty() && resumed_at_ != 0) ask_for_rest(asked, resumed_at_, validator_);
    return asked;
}

tuyau::task<> transfer::try_once(output& out) {
    may_go_better_ = false;
    retry_after_ = {};
    if (validator_.empty()) out.restart();
    resumed_at_ = out.size();
    rest_.reset();
    auto asked = request();
    facts_.method = asked.method;
    facts_.uploaded = asked.body.size().value_or(0);
    asked.observer = &transcript_;
    transcript_.begin(asked);
    auto response = co_await shared_.client.send(std::move(asked));
    if (response) transcript_.answered(response->head());
    facts_.counts = transcript_.counted();
    if (response) {
        note(*response);
        co_await take(*response, out);
        co_await print_heads(out);
        co_return;
    }
    co_await print_heads(out);
    const auto& error = response.error();
    may_go_better_ =
        is_transient(error) || (shared_.options.repeat.retry_refused && error.code == std::errc::connection_refused);
    fail(error, shared_.options.connection.connect_limit);
}

/// What -w tells of a response whose head is there.
void transfer::note(const client_response& response) {
    const response_head& head = response.head();
    facts_.url_effective = response.where().to_string();
    facts_.scheme = response.where().secure ? "HTTPS" : "HTTP";
    facts_.status = head.status;
    facts_.minor_version = head.minor_version;
    facts_.connection = response.connection();
    facts_.sent = response.when().sent;
    facts_.first_byte = response.when().first_byte;
    if (shared_.options.output.write_out.empty()) return;
    facts_.fields.clear();
    for (const auto& each : head.fields) facts_.fields.emplace_back(each.name, each.value);
    facts_.redirect_url.clear();
    if (!is_redirect(head)) return;
    if (auto to = tuyau::http::resolve_reference(response.where(), head.value_of("location")))
        facts_.redirect_url = to->to_string();
}

/// Throws when the status is one that is not taken.
void transfer::judge_status(const response_head& head) {
    const request_options& options = shared_.options;
    if (options.repeat.follow && options.repeat.most_redirects == 0 && is_redirect(head))
        throw failure(exit_code::too_many_redirects,
                      fmt::format("0 redirects were followed, and {} leads to another (--max-redirs allows more)",
                                  facts_.url_effective));
    may_go_better_ = says_try_again(head.status);
    if (may_go_better_) retry_after_ = retry_after(head);
    if (head.status < 400) return;
    const std::string told = fmt::format("{} answers {}", facts_.url_effective, status_line(head));
    if (options.output.fail) throw failure(exit_code::error_status, told);
    if (may_go_better_ && may_try_again()) throw failure(exit_code::error_status, told);
}

/// Makes the output ready for what comes; whether the body belongs there.
bool transfer::place_response(const client_response& response, output& out) {
    const response_head& head = response.head();
    if (!validator_.empty() && resumed_at_ != 0) {
        const auto [what, rest] = continuation_of(head, response.body_size(), resumed_at_, validator_);
        using kind = continuation::kind;
        switch (what) {
        case kind::goes_on: rest_ = rest; return true;
        case kind::has_all: return false;
        case kind::begins_anew: break;
        case kind::out_of_place:
            throw failure(exit_code::not_resumed,
                          fmt::format("{} does not go on at byte {}: it answers {} (without -C, or {}.part removed, it "
                                      "is sent from the start)",
                                      facts_.url_effective, resumed_at_, status_line(head), facts_.file));
        }
        out.restart();
        resumed_at_ = 0;
    }
    const bool can_be_gone_on_with = out.is_file() && head.status == 200 && facts_.method == "GET" &&
                                     !shared_.options.message.compressed && !shared_.options.output.show_heads;
    validator_ = can_be_gone_on_with ? validator_of(head) : std::string();
    return true;
}

tuyau::task<> transfer::take(client_response& response, output& out) {
    const output_options& options = shared_.options.output;
    judge_status(response.head());
    const bool belongs = place_response(response, out);
    co_await print_heads(out);
    if (belongs && !shared_.options.message.head_only) co_await take_body(response, out);
    facts_.downloaded = response.body_received();
    transcript_.ended(response.trailer_text(), response.body_received());
    if (options.fail_with_body && response.status() >= 400)
        throw failure(exit_code::error_status,
                      fmt::format("{} answers {}", facts_.url_effective, status_line(response.head())));
}

tuyau::task<> transfer::take_body(client_response& response, output& out) {
    const output_options& options = shared_.options.output;
    const std::uint64_t most = options.largest_body;
    const auto too_large = [&] {
        return failure(exit_code::too_large, fmt::format("the body of {} is larger than {} bytes (--max-filesize)",
                                                         facts_.url_effective, most));
    };
    if (most != 0 && response.body_size().value_or(0) > most) throw too_large();
    std::optional<meter> progress;
    const bool is_seen = shared_.told.on_terminal() && !out.is_terminal() && !options.silent && options.meter &&
                         !options.verbose && !shared_.options.connection.parallel;
    if (is_seen) {
        auto total = response.body_size();
        if (total) *total += resumed_at_;
        progress.emplace(shared_.told, out.is_file() ? out.name() : where_.host, resumed_at_, total);
    }
    std::uint64_t taken = 0;
    for (;;) {
        auto piece = co_await response.read();
        facts_.downloaded = response.body_received();
        if (!piece) {
            may_go_better_ = is_transient(piece.error());
            fail(piece.error(), shared_.options.connection.connect_limit);
        }
        if (piece->empty()) break;
        taken += piece->size();
        if (most != 0 && taken > most) throw too_large();
        check_rest(taken, false, out);
        co_await out.write(*piece);
        if (progress) progress->update(response.body_received());
    }
    check_rest(taken, true, out);
}

/// Throws when the rest of a file is not as long as it was said to be: a body without a Content-Length may just end.
void transfer::check_rest(std::uint64_t taken, bool ended, output& out) {
    if (!rest_ || taken == *rest_ || (taken < *rest_ && !ended)) return;
    if (taken < *rest_) {
        may_go_better_ = true;
        throw failure(exit_code::cut_short,
                      fmt::format("{} ended after {} of the {} bytes that were missing from byte {} on (try again)",
                                  facts_.url_effective, taken, *rest_, resumed_at_));
    }
    out.cut_back_to(resumed_at_);
    throw failure(exit_code::not_resumed,
                  fmt::format("{} does not go on at byte {}: it sends more than the {} bytes that are missing",
                              facts_.url_effective, resumed_at_, *rest_));
}

/// To the output, in front of the body or behind it.
tuyau::task<> transfer::print_heads(output& out) {
    const std::string heads = transcript_.take_heads();
    co_await out.write_head(heads);
}

} // namespace uring_client
