// What a server sends to a client: raw bytes to heads, pieces of a body, trailers, or what is wrong with them and where.

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/net/http/status.hpp>

#include "../support/http_by_the_book.hpp"
#include "../support/pieces.hpp"
#include "../support/promise.hpp"

using namespace tuyau::http;
namespace book = fuzz::by_the_book;
using fuzz::require;

namespace {

using step = response_parser::step;
using kind = response_error::kind;

/// What the client made of one connection's bytes.
struct reading {
    std::string story; ///< each step but those of the body, whose pieces depend on those of the network
    std::string body;
};

class client_end {
public:
    client_end(bool to_head, const response_limits& limits, std::string_view stream)
        : to_head_(to_head), limits_(limits), stream_(stream), parser_(to_head, limits) {}

    reading read(std::string_view sizes) {
        fuzz::cut(stream_, sizes, [this](std::string_view piece) {
            take(piece);
            return last_ == step::more;
        });
        if (last_ == step::more) {
            last_ = parser_.finish();
            by_its_end_ = true;
            require(last_ == step::complete || last_ == step::failed, "the end of the stream ends the response");
        }
        require(parser_.finish() == last_, "what has ended stays so");
        if (last_ == step::complete)
            complete();
        else
            fail();
        return std::move(so_far_);
    }

private:
    void take(std::string_view piece) {
        std::string_view bytes = piece;
        do {
            last_ = parser_.parse(bytes);
            require(bytes.data() + bytes.size() == piece.data() + piece.size(), "bytes are consumed from the front");
            require(parser_.received() - received_before_ == piece.size() - bytes.size(),
                    "what is consumed is counted");
            if (last_ == step::interim || last_ == step::head) take_head();
            if (last_ == step::body) take_body(piece);
        } while (last_ != step::more && last_ != step::complete && last_ != step::failed);
        if (last_ == step::more) require(bytes.empty(), "more is asked for when all is consumed");
        received_before_ = parser_.received();
    }

    void take_head() {
        const response_head& head = parser_.head();
        require(!has_head_, "no head follows the one that counts");
        has_head_ = last_ == step::head;
        require(has_head_ == (head.status >= 200), "what comes before the head is interim");
        require(head.text == stream_.substr(begin_, parser_.received() - begin_), "a head is kept as it came");
        require(head.text.size() <= limits_.head, "a head is within its limit");
        begin_ = parser_.received();
        std::string_view raw = head.text;
        const std::string_view line = book::take_line(raw);
        const std::string start = fmt::format("HTTP/1.{} {:03}", head.minor_version, head.status);
        require(line == start || line == fmt::format("{} {}", start, head.reason), "the status line is as it came");
        require(head.status >= 100 && head.status != 101, "the status is one that can be used");
        check_fields(book::take_fields(raw), head.fields);
        require(raw.empty(), "a head ends with its empty line");
        so_far_.story += head.text;
    }

    void take_body(std::string_view piece) {
        require(has_head_, "a body follows its head");
        const std::string_view part = parser_.body();
        require(!part.empty() && part.data() >= piece.data() &&
                    part.data() + part.size() <= piece.data() + piece.size(),
                "a part of the body is a view into the bytes that were given");
        so_far_.body += part;
        require(parser_.body_received() == so_far_.body.size(), "what is received of the body is counted");
        require(!parser_.body_size() || so_far_.body.size() <= *parser_.body_size(),
                "a body is not longer than it says");
    }

    void check_fields(const std::vector<book::field>& by_the_book, std::span<const field> read) const {
        require(by_the_book.size() <= limits_.fields, "there are no more fields than the limit");
        require(std::equal(by_the_book.begin(), by_the_book.end(), read.begin(), read.end(),
                           [](const book::field& one, const field& other) {
                               return one.name == other.name && one.value == other.value;
                           }),
                "the fields are as they came");
    }

    void complete() {
        require(has_head_, "there is a head");
        std::string_view text = parser_.head().text;
        book::take_line(text);
        const auto fields = book::take_fields(text);
        std::string_view raw = stream_.substr(begin_, parser_.received() - begin_);
        book::chunked_body expected;
        if (!to_head_ && !has_no_body(parser_.head().status)) {
            const book::framing framing(fields);
            require(framing.sized ? parser_.body_size() == framing.size : !parser_.body_size(),
                    "a size is told if known");
            require(by_its_end_ == (!framing.chunked && !framing.sized), "a stream's end ends what has no size, only");
            if (framing.chunked) {
                expected = book::take_chunks(raw);
            } else {
                expected.data = raw;
                require(!framing.sized || raw.size() == framing.size, "a body is as long as it says");
                raw = {};
            }
        }
        require(raw.empty(), "nothing is consumed behind the response");
        require(so_far_.body == expected.data, "the body is as it came");
        check_fields(expected.trailers, parser_.trailers());
        require(parser_.trailer_text().size() <= limits_.head, "trailers are within the limit of a head");
        so_far_.story += fmt::format("complete, {} trailers in\n{}", expected.trailers.size(), parser_.trailer_text());
        so_far_.story += fmt::format("at {}", parser_.received());
    }

    void fail() {
        const response_error& why = parser_.why();
        require(why.offset <= stream_.size(), "what is wrong lies in the stream, or at its end");
        require(!why.text.empty() && book::is_text(why.text), "what is wrong is told in one line");
        const bool by_its_end = why.what == kind::cut_short || why.what == kind::empty;
        require(by_its_end == by_its_end_, "the end of the stream, and it alone, cuts short");
        require(!by_its_end || why.offset == stream_.size(), "what is cut short misses what would come next");
        so_far_.story += fmt::format("failed {} at {}: {}", static_cast<int>(why.what), why.offset, why.text);
    }

    bool to_head_;
    response_limits limits_;
    std::string_view stream_;
    std::uint64_t begin_ = 0; // of the head or the body that is read
    std::uint64_t received_before_ = 0;
    bool has_head_ = false;
    bool by_its_end_ = false;
    step last_ = step::more;
    response_parser parser_;
    reading so_far_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::stream_input input(data, size);
    const bool to_head = (input.settings & 1) != 0;
    response_limits limits;
    if ((input.settings & 2) != 0) limits.head = 48;
    if ((input.settings & 4) != 0) limits.fields = 2;
    if ((input.settings & 8) != 0) limits = {limits.head, limits.fields, 1, 6};

    const reading whole = client_end(to_head, limits, input.bytes).read(fuzz::in_one_piece);
    const auto read_again = [&](std::string_view sizes, std::string_view promise) {
        const reading again = client_end(to_head, limits, input.bytes).read(sizes);
        fuzz::require_same(again.story, whole.story, promise);
        fuzz::require_same(again.body, whole.body, promise);
    };
    constexpr std::size_t not_too_slow = 1024;
    if (input.bytes.size() <= not_too_slow) read_again(fuzz::byte_by_byte, "byte by byte it reads the same");
    if (!input.sizes.empty()) read_again(input.sizes, "in pieces it reads the same");
    return 0;
}
