// What a client sends to a server: raw bytes to requests, refusals and the bytes of the answers.

#include <deque>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/request_parser.hpp>
#include <tuyau/net/http/response_batch.hpp>
#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/net/http/status.hpp>
#include <tuyau/runtime/loop.hpp>

#include "../support/http_by_the_book.hpp"
#include "../support/pieces.hpp"
#include "../support/promise.hpp"

using namespace tuyau::http;
namespace book = fuzz::by_the_book;
using fuzz::require;

namespace {

constexpr std::string_view page_text = "the page";

/// What the server made of one connection's bytes.
struct reading {
    std::string story; ///< each step, with all that it brought
    std::string answers;
    std::vector<request_head> asked; ///< without its views, which are gone
    bool ended = false;
};

class server_end {
public:
    server_end(const request_limits& limits, std::string_view stream, date_clock& date)
        : limits_(limits), stream_(stream), parser_(limits_), date_(date) {}

    reading read(std::string_view sizes) {
        fuzz::cut(stream_, sizes, [this](std::string_view piece) {
            take(piece);
            return !so_far_.ended;
        });
        so_far_.story += parser_.in_body() ? "in a body\n" : parser_.in_request() ? "in a head\n" : "between\n";
        return std::move(so_far_);
    }

private:
    void take(std::string_view piece) {
        std::string_view bytes = piece;
        bool more = true;
        while (more && !so_far_.ended) {
            const std::size_t before = bytes.size();
            const auto step = parse(bytes);
            require(bytes.size() <= before && bytes.data() + bytes.size() == piece.data() + piece.size(),
                    "bytes are consumed from the front");
            at_ += before - bytes.size();
            if (step == request_parser::step::refused) {
                refuse();
                break;
            }
            more = step != request_parser::step::more;
            require(bytes.size() < before || !more || (step == request_parser::step::complete && has_body_),
                    "each step but the end of a body consumes something");
            require(more || bytes.empty(), "more is asked for when all is consumed");
            if (step == request_parser::step::head) begin_body();
            if (step == request_parser::step::body) take_body(piece);
            if (step == request_parser::step::complete) accept();
        }
        for (const iovec& each : batch_.pieces())
            so_far_.answers.append(static_cast<const char*>(each.iov_base), each.iov_len);
        batch_.clear();
    }

    request_parser::step parse(std::string_view& bytes) {
        constexpr std::size_t of_the_fields_themselves = 12 * 1024;
        const std::size_t before = fuzz::heap_in_use();
        const auto step = parser_.parse(bytes);
        held_ += fuzz::heap_in_use() - before; // a difference below zero wraps round, and back
        require(held_ <= 2 * limits_.head + of_the_fields_themselves,
                "a connection's memory is bounded by the limit of its head, and of its trailers");
        return step;
    }

    void begin_body() {
        require(parser_.in_body(), "a head that is told before the end has a body");
        has_body_ = true;
        remember_head();
        if (parser_.current().expects_continue) so_far_.story += "expects a 100\n";
    }

    void take_body(std::string_view bytes) {
        const std::string_view part = parser_.piece();
        require(!part.empty() && part.data() >= bytes.data() &&
                    part.data() + part.size() <= bytes.data() + bytes.size(),
                "a piece of a body lies in the bytes that were parsed");
        body_ += part;
    }

    /// The bytes of the head are gone before its body has come, and with them what its views name.
    void remember_head() {
        head_ = parser_.current();
        names_and_values_.clear();
        head_fields_.clear();
        const auto own = [this](std::string_view text) {
            return std::string_view(names_and_values_.emplace_back(text));
        };
        head_.target = own(head_.target);
        for (const field& each : head_.fields) head_fields_.push_back({own(each.name), own(each.value)});
        head_.fields = head_fields_;
    }

    void accept() {
        require(!parser_.in_request(), "what is complete is not under way");
        if (!has_body_) remember_head();
        const request_head& asked = head_;
        check(asked, stream_.substr(begin_, at_ - begin_));
        begin_ = at_;
        so_far_.ended = !asked.keep_alive;
        so_far_.story += fmt::format("{} {} {}", static_cast<int>(asked.method), asked.target, asked.minor_version);
        for (const field& each : asked.fields) so_far_.story += fmt::format("|{}={}", each.name, each.value);
        so_far_.story += fmt::format("|{} {}\n", body_, asked.keep_alive);
        for (const field& each : parser_.trailers()) so_far_.story += fmt::format("{}={}\n", each.name, each.value);
        if (asked.method == HTTP_GET || asked.method == HTTP_HEAD)
            batch_.add(asked, !asked.keep_alive, page_, date_);
        else
            batch_.add(asked, !asked.keep_alive, 405, "text/plain", "Allow: GET\r\n", asked.path(), date_);
        remember(asked);
        body_.clear();
        has_body_ = false;
    }

    void refuse() {
        const refusal& why = parser_.why();
        require(why.status >= 400 && why.status < 600 && !reason(why.status).empty(), "a refusal has a good status");
        require(!why.reason.empty() && book::is_text(why.reason), "a refusal says why, in one line");
        so_far_.story += fmt::format("refused {} {}\n", why.status, why.reason);
        so_far_.ended = true;
        request_head asked;
        if (parser_.in_request()) asked.method = parser_.current().method;
        batch_.add(asked, true, why.status, "text/plain", {}, why.reason, date_);
        remember(asked);
    }

    void remember(const request_head& asked) {
        request_head without_views;
        without_views.method = asked.method;
        so_far_.asked.push_back(without_views);
    }

    /// Holds what was read against the bytes it was read from.
    void check(const request_head& asked, std::string_view raw) const {
        while (raw.starts_with("\r\n")) raw.remove_prefix(2); // RFC 9112, section 2.2
        const std::size_t all = raw.size();
        require(asked.minor_version <= 1, "the version is 1.0 or 1.1");
        require(book::take_line(raw) ==
                    fmt::format("{} {} HTTP/1.{}", llhttp_method_name(asked.method), asked.target, asked.minor_version),
                "the request line is as it came");
        require(!asked.target.empty() && asked.target.size() <= limits_.target, "a target is within its limit");
        require(book::is_target(llhttp_method_name(asked.method), asked.target),
                "a target is in a form for its method");
        const auto fields = book::take_fields(raw);
        require(all - raw.size() <= limits_.head, "a head is within its limit");
        require(fields.size() <= limits_.fields, "there are no more fields than the limit");
        require(std::equal(fields.begin(), fields.end(), asked.fields.begin(), asked.fields.end(),
                           [](const book::field& one, const field& other) {
                               return one.name == other.name && one.value == other.value;
                           }),
                "the fields are as they came");
        const book::values host = book::values_of(fields, "host");
        require(host.count == 1 || (host.count == 0 && asked.minor_version == 0), "there is one Host in HTTP/1.1");
        require(host.text.empty() || book::is_authority(host.text, false), "a Host is a host, with a port or without");
        check_body(asked, fields, raw);
        const std::string connection = book::values_of(fields, "connection").text;
        require(asked.keep_alive == (!book::has_option(connection, "close") &&
                                     (asked.minor_version == 1 || book::has_option(connection, "keep-alive"))),
                "the connection is kept as RFC 9112, section 9.3, has it");
        require(asked.path().size() <= std::max<std::size_t>(asked.target.size(), 1), "a path is part of its target");
        require(asked.path().find('?') == std::string_view::npos, "a path has no query");
    }

    void check_body(const request_head& asked, const std::vector<book::field>& fields, std::string_view raw) const {
        const book::framing framing(fields);
        require(!framing.chunked || asked.minor_version == 1, "there are chunks in HTTP/1.1 only");
        require(body_.size() <= limits_.body, "a body is within its limit");
        if (framing.chunked) {
            require(book::take_chunks(raw).data == body_, "the chunks make up the body");
            require(raw.empty(), "the body ends with its last chunk");
        } else {
            require(raw.size() == framing.size && raw == body_, "the body is as it came, and as long as it says");
        }
    }

    request_limits limits_;
    std::string_view stream_;
    std::size_t begin_ = 0; // of the request that is read
    std::size_t at_ = 0;
    std::size_t held_ = 0;
    bool has_body_ = false;
    std::string body_;
    request_head head_;
    std::vector<field> head_fields_;
    std::deque<std::string> names_and_values_;
    request_parser parser_;
    date_clock& date_;
    prepared_response page_{200, "text/plain", page_text};
    response_batch batch_;
    reading so_far_;
};

/// Reads the answers as a client does: one to each request, whole, in order, and no byte more.
void check_answers(const reading& all) {
    std::string_view bytes = all.answers;
    for (std::size_t i = 0; i < all.asked.size(); ++i) {
        const bool to_head = all.asked[i].method == HTTP_HEAD;
        response_parser parser(to_head);
        require(parser.parse(bytes) == response_parser::step::head, "an answer has a good head");
        const bool closes = parser.head().value_of("connection") == "close";
        require(closes == (all.ended && i + 1 == all.asked.size()), "the last answer says that it is the last");
        if (parser.head().status == 200 && !to_head) {
            require(parser.parse(bytes) == response_parser::step::body, "the page has a body");
            require(parser.body() == page_text, "the page is whole");
        }
        auto last = parser.parse(bytes);
        while (last == response_parser::step::body) last = parser.parse(bytes);
        require(last == response_parser::step::complete, "an answer is complete");
    }
    require(bytes.empty(), "there are as many answers as requests");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const tuyau::loop here;
    static date_clock date; // one, and its loop never runs: it stands still
    const fuzz::stream_input input(data, size);
    request_limits limits;
    if ((input.settings & 1) != 0) limits.target = 12;
    if ((input.settings & 2) != 0) limits.head = 80;
    if ((input.settings & 4) != 0) limits.fields = 2;
    if ((input.settings & 8) != 0) limits.body = 6;

    const reading whole = server_end(limits, input.bytes, date).read(fuzz::in_one_piece);
    check_answers(whole);
    const auto read_again = [&](std::string_view sizes, std::string_view promise) {
        const reading again = server_end(limits, input.bytes, date).read(sizes);
        fuzz::require_same(again.story, whole.story, promise);
        fuzz::require_same(again.answers, whole.answers, promise);
    };
    constexpr std::size_t not_too_slow = 1024;
    if (input.bytes.size() <= not_too_slow) read_again(fuzz::byte_by_byte, "byte by byte it reads the same");
    if (!input.sizes.empty()) read_again(input.sizes, "in pieces it reads the same");
    return 0;
}
