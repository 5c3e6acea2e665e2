#include <tuyau/net/http/response_parser.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace tuyau::http;

namespace {

using step = response_parser::step;
using kind = response_error::kind;

struct reading {
    std::string story; ///< the steps, with what they brought
    std::string body;
    std::string trailers;
    std::string left; ///< bytes after the response
    response_error error;
};

std::string name_of(kind what) {
    switch (what) {
    case kind::malformed: return "malformed";
    case kind::too_large: return "too large";
    case kind::unsupported: return "unsupported";
    case kind::cut_short: return "cut short";
    case kind::empty: return "empty";
    }
    return "?";
}

void note_head(reading& all, const response_parser& parser, const char* what) {
    const response_head& head = parser.head();
    all.story += std::string(what) + " 1." + std::to_string(head.minor_version) + " " + std::to_string(head.status) +
                 " " + std::string(head.reason);
    for (const field& each : head.fields) all.story.append("|").append(each.name).append("=").append(each.value);
    all.story.append("\n").append(head.text);
}

/// Reads `pieces` one after another and then the end of the stream.
reading read(const std::vector<std::string>& pieces, bool to_head = false, const response_limits& limits = {}) {
    response_parser parser(to_head, limits);
    reading all;
    step last = step::more;
    for (const std::string& each : pieces) {
        // A copy of its own, so that a read past its end, or after it is gone, is seen by the sanitizer.
        const std::vector<char> exact(each.begin(), each.end());
        std::string_view bytes(exact.data(), exact.size());
        while (last != step::complete && last != step::failed && (last = parser.parse(bytes)) != step::more) {
            if (last == step::interim) note_head(all, parser, "interim");
            if (last == step::head) note_head(all, parser, "head");
            if (last == step::body) all.body += parser.body();
        }
        if (last == step::complete) all.left += bytes;
    }
    if (last == step::more) last = parser.finish();
    CHECK(parser.body_received() == all.body.size());
    if (last == step::complete) {
        all.story += "complete";
        all.trailers = parser.trailer_text();
        for (const field& each : parser.trailers())
            all.story.append("|").append(each.name).append("=").append(each.value);
        std::string_view nothing;
        CHECK(parser.parse(nothing) == step::complete);
        CHECK(parser.finish() == step::complete);
    } else {
        REQUIRE(last == step::failed);
        all.error = parser.why();
        all.story += name_of(all.error.what) + " at " + std::to_string(all.error.offset) + ": " + all.error.text;
        std::string_view more = "HTTP/1.1 200 OK\r\n\r\n";
        CHECK(parser.parse(more) == step::failed);
        CHECK(parser.finish() == step::failed);
    }
    return all;
}

void check_same(const reading& left, const reading& right) {
    REQUIRE(left.story == right.story);
    REQUIRE(left.body == right.body);
    REQUIRE(left.trailers == right.trailers);
    REQUIRE(left.left == right.left);
}

/// Reads the same bytes whole, a byte at a time, and cut at every point; and checks that it makes no difference.
reading read_all_ways(const std::string& bytes, bool to_head = false, const response_limits& limits = {}) {
    INFO(bytes);
    reading whole = read({bytes}, to_head, limits);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        INFO("cut at " << cut);
        check_same(whole, read({bytes.substr(0, cut), bytes.substr(cut)}, to_head, limits));
    }
    std::vector<std::string> single;
    for (char each : bytes) single.emplace_back(1, each);
    check_same(whole, read(single, to_head, limits));
    return whole;
}

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

} // namespace

TEST_CASE("a sized body is read to its last byte and no further") {
    const auto all =
        read_all_ways(ok + "Content-Length: 5\r\nX-Empty:\r\nX-Padded: \t a b \t \r\n\r\nhelloHTTP/1.1 404 next");
    CHECK(all.story == "head 1.1 200 OK|Content-Length=5|X-Empty=|X-Padded=a b\n" + ok +
                           "Content-Length: 5\r\nX-Empty:\r\nX-Padded: \t a b \t \r\n\r\ncomplete");
    CHECK(all.body == "hello");
    CHECK(all.left == "HTTP/1.1 404 next");
}

TEST_CASE("a response without a reason, or from HTTP/1.0, is a response") {
    CHECK(read_all_ways("HTTP/1.1 204\r\n\r\n").story.starts_with("head 1.1 204 \n"));
    CHECK(read_all_ways("HTTP/1.1 204 \r\n\r\n").story.starts_with("head 1.1 204 \n"));
    const auto old = read_all_ways("HTTP/1.0 200 Fine by me\r\n\r\nall of it");
    CHECK(old.story.starts_with("head 1.0 200 Fine by me\n"));
    CHECK(old.body == "all of it");
}

TEST_CASE("a chunked body is read without its framing, and its trailers are kept") {
    const auto all = read_all_ways(
        chunked + "5\r\nhello\r\n1;a=b;c=\"d\"\r\n,\r\n00A\r\n0123456789\r\n0;last\r\nX-Sum: 42\r\nY: z\r\n\r\nrest");
    CHECK(all.body == "hello,0123456789");
    CHECK(all.story.ends_with("complete|X-Sum=42|Y=z"));
    CHECK(all.trailers == "X-Sum: 42\r\nY: z\r\n\r\n");
    CHECK(all.left == "rest");
    const auto tabs = read_all_ways(ok + "Transfer-Encoding:\tChunked\t\r\n\r\n1\r\na\r\n0\r\n\r\nrest");
    CHECK(tabs.body == "a");
    CHECK(tabs.left == "rest");
    const auto bare = read_all_ways(chunked + "0\r\n\r\n");
    CHECK(bare.body.empty());
    CHECK(bare.story.ends_with("complete"));
}

TEST_CASE("the end of the stream ends a body of no announced size") {
    const auto all = read_all_ways(ok + "Connection: close\r\n\r\nuntil\r\n\r\nthe end");
    CHECK(all.body == "until\r\n\r\nthe end");
    CHECK(all.story.ends_with("complete"));
    CHECK(read_all_ways(ok + "\r\n").story.ends_with("complete"));
}

TEST_CASE("the body's size is known from its head where it was told") {
    response_parser sized;
    std::string_view bytes = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabc";
    CHECK(sized.parse(bytes) == step::head);
    CHECK(sized.body_size() == 7);
    CHECK(sized.head().value_of("content-LENGTH") == "7");
    CHECK(sized.head().value_of("absent").empty());
    CHECK(sized.parse(bytes) == step::body);
    CHECK(sized.body() == "abc");
    CHECK(sized.body_received() == 3);
    CHECK(sized.received() == 41);
    response_parser open;
    bytes = "HTTP/1.1 200 OK\r\n\r\n";
    CHECK(open.parse(bytes) == step::head);
    CHECK_FALSE(open.body_size());
}

TEST_CASE("interim responses come before the one that counts") {
    const auto all = read_all_ways("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                                   "HTTP/1.1 150 Odd\r\nContent-Length: 3\r\n\r\n" +
                                   ok + "Content-Length: 2\r\n\r\nok");
    CHECK(all.story == "interim 1.1 100 Continue\nHTTP/1.1 100 Continue\r\n\r\n"
                       "interim 1.1 103 Early Hints|Link=x\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                       "interim 1.1 150 Odd|Content-Length=3\nHTTP/1.1 150 Odd\r\nContent-Length: 3\r\n\r\n"
                       "head 1.1 200 OK|Content-Length=2\n" +
                           ok + "Content-Length: 2\r\n\r\ncomplete");
    CHECK(all.body == "ok");
    response_limits few;
    few.interim = 2;
    CHECK(read_all_ways("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\n" + ok + "\r\n", false, few)
              .story.ends_with("complete"));
    CHECK(read_all_ways("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\nHTTP/1.1 100 C\r\n\r\n", false, few).error.what ==
          kind::too_large);
}

TEST_CASE("an answer to HEAD, a 204 and a 304 have no body whatever their fields say") {
    for (const std::string fields : {"Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n", "\r\n"}) {
        const auto to_head = read_all_ways(ok + fields + "hello", true);
        CHECK(to_head.body.empty());
        CHECK(to_head.left == "hello");
        for (const std::string status : {"204 No Content", "304 Not Modified"}) {
            const auto none = read_all_ways("HTTP/1.1 " + status + "\r\n" + fields + "hello");
            CHECK(none.body.empty());
            CHECK(none.left == "hello");
            CHECK(none.story.ends_with("complete"));
        }
    }
}

TEST_CASE("what is cut short is never taken for whole") {
    const auto cut_anywhere = [](const std::string& bytes, std::size_t head_size) {
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            INFO("cut to " << size << " bytes: " << bytes);
            const auto all = read({bytes.substr(0, size)});
            CHECK(all.error.what == (size == 0 ? kind::empty : kind::cut_short));
            CHECK(all.error.offset == size);
            if (size >= 1 && size < head_size)
                CHECK(all.error.text == "the connection ended in the middle of the head");
        }
        CHECK(read({bytes}).story.ends_with("complete"));
    };
    const std::string sized = ok + "Content-Length: 5\r\n\r\n";
    cut_anywhere(sized + "hello", sized.size());
    cut_anywhere(chunked + "5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n", chunked.size());
    CHECK(read({sized + "hel"}).error.text == "the connection ended after 3 of the body's 5 bytes");
    CHECK(read({chunked + "5\r\nhel"}).error.text ==
          "the connection ended after 3 bytes of a body in chunks, before its last chunk");
    CHECK(read({chunked + "0\r\nX: y\r\n"}).error.text ==
          "the connection ended after 0 bytes of a body in chunks, before the end of its trailers");
    CHECK(read({"HTTP/1.1 100 Continue\r\n\r\n"}).error.text == "the connection ended after an interim response");
}

TEST_CASE("a malformed response is refused at the byte that is wrong") {
    struct bad {
        std::string bytes;
        std::size_t offset;
    };
    const bad table[] = {
        {"garbage\r\n\r\n", 0},
        {"ICY 200 OK\r\n\r\n", 0},
        {"SSH-2.0-OpenSSH_9.2\r\n", 0},
        {"\x15\x03\x01\x02\x02\x28", 0},
        {std::string(100, '\0'), 0},
        {"\r\n" + ok + "\r\n", 0},
        {"HTTP/1.1 100 Continue\r\n\r\n\r\n" + ok + "\r\n", 25},
        {"HTTP/1.1 200 OK\r\rA: b\r\n\r\n", 16},
        {"HTTP/1.2 200 OK\r\n\r\n", 8},
        {"HTTP/1.1 20 OK\r\n\r\n", 11},
        {"HTTP/1.1 2000 OK\r\n\r\n", 12},
        {"HTTP/1.1 2x0 OK\r\n\r\n", 10},
        {"HTTP/1.1 099 OK\r\n\r\n", 0},
        {"HTTP/1.1 200 O\x01K\r\n\r\n", 13},
        {"HTTP/1.1 200 OK\nA: b\n\n", 16},
        {ok + "A\r\n\r\n", 18},
        {ok + "A : b\r\n\r\n", 18},
        {ok + ": b\r\n\r\n", 17},
        {ok + "A: \x01\r\n\r\n", 20},
        {ok + "A: b\n\r\n", 21},
        {ok + "A: b\rc\r\n\r\n", 22},
        {ok + "A: b\r\n folded\r\n\r\n", 23},
        {ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 52},
        {ok + "Content-Length: 5, 6\r\n\r\nhello", 34},
        {ok + "Content-Length: -1\r\n\r\n", 33},
        {ok + "Content-Length: +1\r\n\r\n", 33},
        {ok + "Content-Length: 0x5\r\n\r\n", 34},
        {ok + "Content-Length:\r\n\r\n", 34},
        {ok + "Content-Length: 99999999999999999999\r\n\r\n", 53},
        {ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 54},
        {ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 60},
        {chunked + "zz\r\n", 47},
        {chunked + "5 \r\nhello\r\n0\r\n\r\n", 49},
        {chunked + "5\nhello\r\n0\r\n\r\n", 49},
        {chunked + "5\r\nhelloX\r\n0\r\n\r\n", 55},
        {chunked + "ffffffffffffffffff\r\n", 64},
        {chunked + "-5\r\nhello", 47},
        {chunked + "5;a=\"b\x7f\"\r\nhello\r\n0\r\n\r\n", 53},
        {chunked + "0\r\nbad trailer\r\n\r\n", 53},
        {chunked + "5;\r\nhello\r\n0\r\n\r\n", 50},
        {chunked + "5;;a\r\nhello\r\n0\r\n\r\n", 49},
        {chunked + "5;=b\r\nhello\r\n0\r\n\r\n", 49},
        {chunked + "5;a=\r\nhello\r\n0\r\n\r\n", 51},
        {chunked + "5;a=;b\r\nhello\r\n0\r\n\r\n", 51},
        {chunked + "5;a=b\"c\"\r\nhello\r\n0\r\n\r\n", 52},
        {chunked + "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", 54},
        {chunked + "5; a\r\nhello\r\n0\r\n\r\n", 50},
        {chunked + "5;a b\r\nhello\r\n0\r\n\r\n", 51},
    };
    for (const bad& each : table) {
        const auto all = read_all_ways(each.bytes);
        INFO(each.bytes);
        INFO(all.story);
        CHECK(all.error.what == kind::malformed);
        CHECK(all.error.offset == each.offset);
        CHECK_FALSE(all.error.text.empty());
    }
    CHECK(read({"\x16\x03\x01"}).error.text == "this is TLS, not HTTP");
    CHECK(read({"220 mail.example ESMTP\r\n"}).error.text == "this is not HTTP: it does not begin with 'HTTP/'");
}

TEST_CASE("what is well-formed and not understood is refused, not guessed at") {
    struct strange {
        std::string bytes;
        std::size_t offset;
    };
    const strange table[] = {
        {"HTTP/2.0 200 OK\r\n\r\n", 0},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", 0},
        {ok + "Transfer-Encoding: gzip\r\n\r\nabc", 36},
        {ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 36},
        {ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\nabc", 64},
        {ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 64},
    };
    for (const strange& each : table) {
        const auto all = read_all_ways(each.bytes);
        INFO(each.bytes);
        CHECK(all.error.what == kind::unsupported);
        CHECK(all.error.offset == each.offset);
    }
}

TEST_CASE("a head is bounded to the byte, and so are trailers, fields and chunk extensions") {
    response_limits limits;
    limits.head = 100;
    limits.fields = 3;
    limits.chunk_extensions = 10;
    const std::string start = ok + "A: ";
    const std::string just = start + std::string(limits.head - start.size() - 4, 'x') + "\r\n\r\n";
    REQUIRE(just.size() == limits.head);
    CHECK(read_all_ways(just, false, limits).story.ends_with("complete"));
    const auto over =
        read_all_ways(start + std::string(limits.head - start.size() - 3, 'x') + "\r\n\r\n", false, limits);
    CHECK(over.error.what == kind::too_large);
    CHECK(over.error.offset == limits.head);
    CHECK(read_all_ways("HTTP/1.1 200 " + std::string(200, 'x'), false, limits).error.what == kind::too_large);

    CHECK(read_all_ways(ok + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", false, limits).story.ends_with("complete"));
    const auto fields = read_all_ways(ok + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", false, limits);
    CHECK(fields.error.what == kind::too_large);
    CHECK(fields.error.offset == ok.size() + 18);
    const auto bad_field = read_all_ways(ok + "A: 1\r\nB: 2\r\nC: 3\r\nD@ 4\r\n\r\n", false, limits);
    CHECK(bad_field.error.what == kind::malformed);
    const auto trailer_fields = read_all_ways(chunked + "0\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", false, limits);
    CHECK(trailer_fields.error.what == kind::too_large);
    const auto trailers = read_all_ways(chunked + "0\r\nA: " + std::string(200, 'x'), false, limits);
    CHECK(trailers.error.what == kind::too_large);
    CHECK(trailers.error.offset == chunked.size() + 3 + limits.head);

    CHECK(read_all_ways(chunked + "1;12345\r\nx\r\n0;67890\r\n\r\n", false, limits).story.ends_with("complete"));
    const auto extensions = read_all_ways(chunked + "1;12345\r\nx\r\n0;678901\r\n\r\n", false, limits);
    CHECK(extensions.error.what == kind::too_large);
    CHECK(extensions.error.offset == chunked.size() + 19);
}
