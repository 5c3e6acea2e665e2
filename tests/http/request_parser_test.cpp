#include <tuyau/net/http/request_parser.hpp>

#include <deque>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <fmt/format.h>

using namespace tuyau::http;

namespace {

/// What a connection's bytes came to: each request as `METHOD target fields body`, and the refusal that ended it, if one did.
struct reading {
    std::vector<std::string> requests;
    int status = 0;
    std::string reason;
    int continues = 0;
    bool unfinished = false;

    bool operator==(const reading&) const = default;
};

class reader {
public:
    explicit reader(const request_limits& limits = {}) : limits_(limits), parser_(limits_) {}

    /// Gives the parser a copy that is gone once the request is over, so that asan sees a view that outlives it.
    void feed(std::string piece) {
        given_.push_back(std::move(piece)); // what a head names stays until its request is over
        std::string_view bytes = given_.back();
        bool more = true;
        while (more && so_far.status == 0) {
            switch (parser_.parse(bytes)) {
            case request_parser::step::more:
                REQUIRE(bytes.empty());
                more = false;
                break;
            case request_parser::step::head: so_far.continues += parser_.current().expects_continue ? 1 : 0; break;
            case request_parser::step::body: body_ += parser_.piece(); break;
            case request_parser::step::complete:
                so_far.requests.push_back(describe());
                body_.clear();
                break;
            case request_parser::step::refused:
                so_far.status = parser_.why().status;
                so_far.reason = parser_.why().reason;
                break;
            }
        }
        so_far.unfinished = parser_.in_request();
        if (!parser_.in_body()) given_.clear();
    }

    reading so_far;

private:
    std::string describe() const {
        const request_head& asked = parser_.current();
        std::string text = fmt::format("{} {}", llhttp_method_name(asked.method), asked.target);
        for (const field& each : asked.fields) text += fmt::format(" {}={}", each.name, each.value);
        text += fmt::format(" body={} {}", body_.size(), asked.keep_alive ? "keep" : "close");
        if (!body_.empty()) text += " " + body_;
        for (const field& each : parser_.trailers()) text += fmt::format(" {}={}", each.name, each.value);
        return text;
    }

    request_limits limits_;
    request_parser parser_;
    std::deque<std::string> given_;
    std::string body_;
};

reading read(const std::string& bytes, const request_limits& limits = {}) {
    reader whole(limits);
    whole.feed(bytes);
    return whole.so_far;
}

reading read_byte_by_byte(const std::string& bytes, const request_limits& limits = {}) {
    reader slow(limits);
    for (char each : bytes) slow.feed(std::string(1, each));
    return slow.so_far;
}

struct refused_case {
    const char* story;
    std::string bytes;
    int status;
};

const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

} // namespace

TEST_CASE("a request's method, target, fields and wish to keep the connection are read") {
    CHECK(read("GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept:  */* \r\n\r\n").requests ==
          std::vector<std::string>{"GET /a?b=c Host=x Accept=*/* body=0 keep"});
    CHECK(read("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").requests ==
          std::vector<std::string>{"HEAD / Host=x Connection=close body=0 close"});
    CHECK(read("GET / HTTP/1.0\r\n\r\n").requests == std::vector<std::string>{"GET / body=0 close"});
    CHECK(read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").requests ==
          std::vector<std::string>{"GET / Connection=keep-alive body=0 keep"});
    CHECK(read("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").requests ==
          std::vector<std::string>{"GET / Connection=keep-alive, close body=0 close"});
}

TEST_CASE("the options of Connection are a list, of several fields too, with white space of both kinds around each") {
    CHECK(read("GET / HTTP/1.0\r\nConnection: a\r\nConnection: b ,\tKeep-Alive\t, c\r\n\r\n" + get).requests ==
          std::vector<std::string>{"GET / Connection=a Connection=b ,\tKeep-Alive\t, c body=0 keep",
                                   "GET / Host=x body=0 keep"});
    CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nConnection: a,close\t,b\r\n\r\n").requests ==
          std::vector<std::string>{"GET / Host=x Connection=a,close\t,b body=0 close"});
    CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nConnection: close-not, not close\r\n\r\n" + get).requests ==
          std::vector<std::string>{"GET / Host=x Connection=close-not, not close body=0 keep",
                                   "GET / Host=x body=0 keep"});
}

TEST_CASE("pipelined requests come out one by one, in order") {
    std::string bytes;
    std::vector<std::string> expected;
    for (int i = 0; i < 40; ++i) {
        bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
        expected.push_back("GET /" + std::to_string(i) + " Host=x body=0 keep");
    }
    CHECK(read(bytes).requests == expected);
}

TEST_CASE("each request's Host is judged, whatever the one before it was") {
    const auto get_from = [](const std::string& host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; };
    const std::string longer(200, 'a');
    for (const std::string& good : {std::string("a:80"), longer}) {
        for (const std::string& bad : {good + "/", good.substr(1) + "@", std::string("a:8x")}) {
            INFO(bad);
            const reading seen = read(get_from(good) + get_from("b") + get_from(good) + get_from(good) + get_from(bad));
            CHECK(seen.requests.size() == 4);
            CHECK(seen.status == 400);
        }
    }
}

TEST_CASE("sized and chunked bodies are read, trailers included") {
    const std::string sized = "POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    const std::string chunked = "PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nTrailer: t\r\n\r\n";
    CHECK(read(sized + chunked + get).requests ==
          std::vector<std::string>{"POST /s Host=x Content-Length=5 body=5 keep hello",
                                   "PUT /c Host=x Transfer-Encoding=chunked body=8 keep helloyou Trailer=t",
                                   "GET / Host=x body=0 keep"});
}

TEST_CASE("wherever two requests are cut, they read the same") {
    const std::string bytes =
        "\r\nPOST /path?query HTTP/1.1\r\nHost: example.org:80\r\nX-Empty:\r\nX-Long: some words here\r\n"
        "Transfer-Encoding: chunked\r\n\r\n4\r\nwords\r\n"; // broken off by a bad chunk
    const std::string good = "GET /one HTTP/1.1\r\nHost: a\r\nCookie: b=c; d=e\r\n\r\n"
                             "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /three HTTP/1.0\r\n\r\n";
    for (const std::string& text : {bytes, good}) {
        const reading whole = read(text);
        CHECK(read_byte_by_byte(text) == whole);
        for (std::size_t first = 1; first < text.size(); ++first) {
            for (std::size_t second = first; second < text.size(); second += 7) {
                reader cut;
                cut.feed(text.substr(0, first));
                cut.feed(text.substr(first, second - first));
                cut.feed(text.substr(second));
                REQUIRE(cut.so_far == whole);
            }
        }
    }
}

TEST_CASE("what is not a good request is refused with the status that says why, however it is cut") {
    const auto each = GENERATE(values<refused_case>({
        {"zero bytes", std::string(16, '\0'), 400},
        {"a TLS hello", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03", 400},
        {"a space first", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"an unknown method", "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"a known method and more", "GETS / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"a method in lower case", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"a method of RTSP", "DESCRIBE / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"an endless method", std::string(100, 'M'), 400},
        {"a long method that ends", std::string(100, 'M') + " / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"no version, as in HTTP/0.9", "GET /\r\n\r\n", 400},
        {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
        {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
        {"a request of RTSP", "DESCRIBE / RTSP/1.0\r\n\r\n", 505},
        {"a request of ICE", "SOURCE / ICE/1.0\r\n\r\n", 505},
        {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"two spaces before the version", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
        {"a Host that is none", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
        {"a space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
        {"a folded field", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
        {"a lone LF", "GET / HTTP/1.1\nHost: x\n\n", 400},
        {"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400},
        {"a signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400},
        {"a length and chunks",
         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"an unknown coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {"a bad chunk size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"a control character in a chunk extension",
         "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"\x7f\"\r\nb\r\n0\r\n\r\n", 400},
        {"an unknown expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na", 417},
    }));
    INFO(each.story);
    const reading whole = read(each.bytes);
    CHECK(whole.status == each.status);
    CHECK(whole.requests.empty());
    CHECK_FALSE(whole.reason.empty());
    CHECK(read_byte_by_byte(each.bytes).status == each.status);
}

TEST_CASE("each limit holds to the byte") {
    request_limits limits;
    limits.target = 10;
    CHECK(read("GET /123456789 HTTP/1.1\r\nHost: x\r\n\r\n", limits).status == 0);
    CHECK(read("GET /1234567890 HTTP/1.1\r\nHost: x\r\n\r\n", limits).status == 414);
    CHECK(read_byte_by_byte("GET /1234567890 HTTP/1.1\r\nHost: x\r\n\r\n", limits).status == 414);

    limits = {};
    limits.head = get.size();
    CHECK(read(get + get, limits).requests.size() == 2);
    const std::string longer = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(read(longer, limits).status == 431);
    CHECK(read_byte_by_byte(longer, limits).status == 431);
    CHECK(read_byte_by_byte(get + get, limits).requests.size() == 2);
    CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(100, 'b'), limits).status == 431);
    CHECK(read_byte_by_byte("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(100, 'b'), limits).status == 431);

    limits = {};
    limits.fields = 2;
    CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n", limits).status == 0);
    CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\n\r\n", limits).status == 431);

    limits = {};
    limits.body = 4;
    CHECK(read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd", limits).requests.size() == 1);
    CHECK(read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde", limits).status == 413);
    CHECK(read("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n", limits).status ==
          0);
    CHECK(read("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n", limits)
              .status == 413);
}

TEST_CASE("what a request is refused for does not depend on where it was cut") {
    request_limits limits;
    limits.target = 10;
    limits.head = 60;
    limits.fields = 2;
    const std::string chunks = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string& bytes :
         {std::string("GET /0123456789\1 HTTP/1.1\r\n"),
          std::string("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC@: d\r\n\r\n"), std::string("\r\n\r\n\r\n\n") + get,
          chunks + "20;" + std::string(80, 'a') + "\r\n" + std::string(32, 'd') + "\r\n"}) {
        INFO(bytes);
        CHECK(read_byte_by_byte(bytes, limits) == read(bytes, limits));
    }
}

TEST_CASE("what surrounds the data of chunks is bounded, and chunks of one byte are not refused for it") {
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    request_limits limits;
    limits.head = 100;
    const auto read_in_pieces = [&](const std::string& first, const std::string& rest) {
        reader slow(limits);
        slow.feed(head + first);
        for (int i = 0; i < 200; ++i) slow.feed(rest);
        return slow.so_far;
    };
    CHECK(read_in_pieces("", "0").status == 413);     // of a chunk's size
    CHECK(read_in_pieces("1;a=", "b").status == 413); // of an extension
    CHECK(read_in_pieces("", "1;a=bcdefgh\r\na\r\n").status == 413);
    CHECK(read_in_pieces("0\r\nA: ", "b").status == 413); // of a trailer
    CHECK(read_in_pieces("0\r\n", "A: b\r\n").status == 413);
    CHECK(read_in_pieces("", "1\r\na\r\n").status == 0);
}

TEST_CASE("the method of a request is known when the rest of it is refused") {
    const request_limits limits;
    request_parser parser(limits);
    std::string_view bytes = "HEAD / HTTP/3.0\r\n";
    CHECK(parser.parse(bytes) == request_parser::step::refused);
    CHECK(parser.current().method == HTTP_HEAD);
}

TEST_CASE("a client that expects a 100 is told so before its body, and only then") {
    reader waits;
    waits.feed("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    CHECK(waits.so_far.continues == 1);
    CHECK(waits.so_far.requests.empty());
    waits.feed("abc");
    CHECK(waits.so_far.requests ==
          std::vector<std::string>{"POST / Host=x Expect=100-continue Content-Length=3 body=3 keep abc"});

    CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n").continues == 0);
}

TEST_CASE("an upgrade that is offered is passed over") {
    CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + get).requests.size() == 2);
}

TEST_CASE("the path of a target is told from its query and its host") {
    const auto path_of = [](std::string_view target) {
        request_head asked;
        asked.target = target;
        return std::string(asked.path());
    };
    CHECK(path_of("/") == "/");
    CHECK(path_of("/a/b?c=/d") == "/a/b");
    CHECK(path_of("http://host/a?b") == "/a");
    CHECK(path_of("HTTP://host") == "/");
    CHECK(path_of("http://host?b=/c") == "/");
    CHECK(path_of("*") == "*");
}
