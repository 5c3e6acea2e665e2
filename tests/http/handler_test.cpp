// What a handler can do with a request and a response, without a socket.

#include <tuyau/net/http/rehearsal.hpp>

#include <cstdint>
#include <regex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <fmt/format.h>

#include <tuyau/net/http/event_stream.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/loop.hpp>

using namespace tuyau;
using namespace tuyau::http;
using namespace std::chrono_literals;

namespace {

/// The answers, without their dates. Asked in one piece and byte by byte, which has to make no difference.
std::string answers_to(const std::string& requests, const handler& program, const server_limits& limits = {}) {
    std::string whole;
    std::string cut;
    loop here;
    here.run([](std::string& one, std::string& other, const std::string& text, const handler& answer,
                const server_limits& bounds) -> task<> {
        one = co_await rehearse(answer, text, bounds);
        other = co_await rehearse(answer, text, bounds, 1);
    }(whole, cut, requests, program, limits));
    const std::regex date("Date: [^\r]*\r\n");
    whole = std::regex_replace(whole, date, "");
    CHECK(std::regex_replace(cut, date, "") == whole);
    return whole;
}

const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const std::string post_in_chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-End: yes \r\n\r\n";
const std::string hello = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

task<> say_hello(request&, response& reply) {
    reply.send("text/plain", "hello");
    co_return;
}

task<> echo(request& asked, response& reply) {
    auto body = co_await asked.read_all(1000);
    if (!body) co_return;
    for (const field& each : asked.trailers()) reply.add_field(each.name, each.value);
    reply.send("text/plain", *body);
}

/// Piece by piece, the same bytes however they come.
task<> echo_streaming(request& asked, response& reply) {
    reply.set_content_length(5);
    for (;;) {
        auto piece = co_await asked.read();
        if (!piece || piece->empty()) co_return;
        auto sent = co_await reply.write(*piece);
        if (!sent) co_return;
    }
}

} // namespace

TEST_CASE("a handler answers with a whole response, and the connection goes on") {
    CHECK(answers_to(get + get, say_hello) == hello + hello);
}

TEST_CASE("a handler that says nothing answers 200 without a body") {
    const auto nothing = [](request&, response&) -> task<> { co_return; };
    CHECK(answers_to(get, nothing) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("no client is told that it has a tunnel, whatever a handler answers, and the next request is served") {
    prepared_response prepared(200, "text/plain", "hello");
    const auto whole = [](request&, response& reply) { return reply.send("text/plain", "hello"), task<>::done(); };
    const auto nothing = [](request&, response& reply) { return reply.set_status(204), task<>::done(); };
    const auto ready = [&prepared](request&, response& reply) { return reply.send(prepared), task<>::done(); };
    const auto pieces = [](request&, response& reply) -> task<> {
        auto sent = co_await reply.write("hello");
        CHECK(sent);
    };
    for (const handler& each : {handler(whole), handler(nothing), handler(ready), handler(pieces)}) {
        const std::string answers = answers_to("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + get, each);
        CHECK(answers.starts_with("HTTP/1.1 501 Not Implemented\r\n"));
        CHECK(answers.find("HTTP/1.1 20") != std::string::npos);
    }
}

TEST_CASE("a handler reads a body, sized or in chunks, whole or piece by piece, and its trailers") {
    CHECK(answers_to(post + get, echo) == hello + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(answers_to(post_in_chunks, echo) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX-End: yes\r\n\r\nhello");
    CHECK(answers_to(post + post_in_chunks, echo_streaming) ==
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_CASE("what a handler does not read of a body is passed over") {
    CHECK(answers_to(post + post_in_chunks + get, say_hello) == hello + hello + hello);
    const auto read_once = [](request& asked, response& reply) -> task<> {
        auto piece = co_await asked.read();
        if (piece) reply.send("text/plain", "hello");
    };
    CHECK(answers_to(post_in_chunks + post + get, read_once) == hello + hello + hello);
}

TEST_CASE("the head's views last while the body is read") {
    const auto name_it = [](request& asked, response& reply) -> task<> {
        const std::string_view path = asked.path();
        const std::string_view agent = asked.value_of("user-agent");
        auto body = co_await asked.read_all(1000);
        reply.send("text/plain", fmt::format("{} {} {} {}", path, agent, asked.path(), asked.value_of("User-Agent")));
    };
    CHECK(answers_to("POST /path HTTP/1.1\r\nHost: a\r\nUser-Agent: agent\r\nContent-Length: 5\r\n\r\nhello", name_it) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\n/path agent /path agent");
}

TEST_CASE("a client that expects a 100 gets it when the handler reads, and only then") {
    const std::string expecting =
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    std::string answers;
    loop here;
    here.run([](std::string& out, const std::string& requests) -> task<> {
        // What comes behind the head in the same piece needs no invitation.
        out = co_await rehearse(echo, requests + "hello", {}, requests.size());
    }(answers, expecting));
    CHECK(answers.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
    CHECK(answers.ends_with("\r\n\r\nhello"));

    // A handler that does not want it says so, and closes: nobody knows whether the body comes.
    CHECK(answers_to(expecting, say_hello) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                                              "Connection: close\r\n\r\nhello");
}

TEST_CASE("answers before a request that is cut short are sent") {
    const handler ask_first = [](request& asked, response& reply) -> task<> {
        if (asked.method == HTTP_POST) co_await asked.read_all(1000);
        reply.send("text/plain", "hello");
    };
    const std::string cut_short = post.substr(0, post.size() - 1);
    for (const handler& each : {handler(say_hello), ask_first}) {
        CHECK(answers_to(get + cut_short, each) == hello);
        CHECK(answers_to(get + post + cut_short, each) == hello + hello);
    }
}

TEST_CASE("a response is taken back for a malformed body too when answers before it have been sent meanwhile") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string together = get + head;
    std::string answers;
    loop here;
    here.run([](std::string& out, const std::string& requests, std::size_t size) -> task<> {
        const handler answer = [](request& asked, response& reply) -> task<> {
            if (asked.method == HTTP_POST) co_await asked.read();
            reply.send("text/plain", "hello");
        };
        out = co_await rehearse(answer, requests, {}, size);
    }(answers, together + "5\r\nhello\r\nzz\r\n", together.size()));
    const std::size_t first = answers.find("HTTP/1.1 200 OK\r\n");
    CHECK(first == 0);
    CHECK(answers.find("HTTP/1.1 ", 1) == answers.find("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(answers.find("HTTP/1.1 200", 1) == std::string::npos);
}

TEST_CASE("a body over its limit, or a malformed one, is refused whether the handler reads it or not") {
    const auto program = GENERATE(as<handler>{}, handler(say_hello), handler(echo));
    server_limits limits;
    limits.request.body = 4;
    CHECK(answers_to(get + post + get, program, limits).find("HTTP/1.1 413 Content Too Large") != std::string::npos);
    const std::string malformed = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhelx2\r\n";
    const std::string answers = answers_to(malformed + get, program);
    CHECK(answers.starts_with("HTTP/1.1 400 Bad Request"));
    CHECK(answers.find("HTTP/1.1", 1) == std::string::npos); // one answer
}

TEST_CASE("a handler may say for itself that a body is too large") {
    const auto own_words = [](request& asked, response& reply) -> task<> {
        auto body = co_await asked.read_all(3);
        if (body) co_return;
        reply.set_status(413);
        reply.send("text/plain", body.error() == std::errc::message_size ? "too much" : "?");
    };
    CHECK(answers_to(post + get, own_words).starts_with(
        "HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\ntoo much"));
}

TEST_CASE("a response of unknown size goes in chunks, with trailers, or to HTTP/1.0 until the end") {
    const auto write_two = [](request&, response& reply) -> task<> {
        reply.add_field("X-A", "b");
        reply.add_trailer("X-Sum", "42");
        auto first = co_await reply.write("hello");
        auto second = co_await reply.write("you");
        CHECK((first && second));
    };
    CHECK(answers_to(get + get, write_two) ==
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\nX-Sum: 42\r\n\r\n"
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\nX-Sum: "
          "42\r\n\r\n");
    CHECK(answers_to("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get, write_two) ==
          "HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: close\r\n\r\nhelloyou");
    CHECK(answers_to("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", write_two) ==
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n");
}

TEST_CASE("a response that keeps less, or more, than it announced is broken off, and never taken for whole") {
    const auto too_little = [](request&, response& reply) -> task<> {
        reply.set_content_length(5);
        auto sent = co_await reply.write("hel");
        CHECK(sent);
    };
    CHECK(answers_to(get + get, too_little) == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    const auto too_much = [](request&, response& reply) -> task<> {
        reply.set_content_length(5);
        auto sent = co_await reply.write("hello");
        CHECK(sent);
        auto more = co_await reply.write("!");
        CHECK(more.error() == std::errc::message_size);
    };
    CHECK(answers_to(get, too_much) == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_CASE("a response that keeps none of what it announced is a 500, without its fields, and the next request is served") {
    const handler nothing = [](request& asked, response& reply) -> task<> {
        if (asked.path() == "/good") co_return reply.send("text/plain", "hello");
        reply.set_status(206);
        reply.add_field("Content-Encoding", "gzip");
        reply.set_content_length(5);
    };
    const std::string good = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string answers = answers_to(get + good, nothing);
    CHECK(answers.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    CHECK(answers.find("gzip") == std::string::npos);
    CHECK(answers.ends_with(hello));
    CHECK(answers_to("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", nothing) ==
          "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n");
}

TEST_CASE("answers before a response that is broken off at its beginning are sent") {
    const handler program = [](request& asked, response& reply) -> task<> {
        if (asked.path() != "/bad") co_return reply.send("text/plain", "hello");
        reply.set_content_length(3);
        auto written = co_await reply.write("sixsix");
        CHECK(written.error() == std::errc::message_size);
    };
    CHECK(answers_to(get + get + "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n" + get, program) == hello + hello);
}

TEST_CASE("what a handler throws is a 500, or breaks off what it had begun; and the next request is served") {
    const auto fail = [](request& asked, response& reply) -> task<> {
        if (asked.path() == "/late") {
            auto sent = co_await reply.write("hel");
            CHECK(sent);
        }
        if (asked.path() != "/good") throw std::runtime_error("of the handler");
        reply.send("text/plain", "hello");
    };
    const std::string good = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string answers = answers_to(get + good, fail);
    CHECK(answers.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    CHECK(answers.ends_with(hello));
    CHECK(answers.find("of the handler") == std::string::npos); // the client is not to know
    CHECK(answers_to("GET /late HTTP/1.1\r\nHost: a\r\n\r\n" + good, fail) ==
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n");
}

TEST_CASE("of a response that a client did not wait for, what was sent to it is told") {
    struct leaving_client : rehearsal_stream {
        using rehearsal_stream::rehearsal_stream;
        ready<result<void>> send(std::span<iovec> pieces) {
            if (sends++ == 2) return {failure(std::errc::connection_reset)};
            return rehearsal_stream::send(pieces);
        }
        int sends = 0;
    };
    std::uint64_t told = 0;
    std::string answer;
    loop here;
    server program([](request&, response& reply) -> task<> {
        for (const char* piece : {"one,", "two,", "three,", "four"}) {
            auto sent = co_await reply.write(piece);
            if (!sent) co_return;
        }
    });
    program.observe([&told](const answered& what) { told = what.body_size; });
    here.run(program.converse(leaving_client(get, std::string::npos, answer)));
    CHECK(answer.find("two,") != std::string::npos);
    CHECK(told == 8);
}

TEST_CASE("hints go before the response, and not to a client of HTTP/1.0") {
    const auto hint = [](request&, response& reply) -> task<> {
        reply.add_field("Link", "</style.css>; rel=preload; as=style");
        auto sent = co_await reply.send_interim(103);
        CHECK(sent);
        reply.send("text/plain", "hello");
    };
    CHECK(answers_to(get, hint) ==
          "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n" + hello);
    CHECK(answers_to("GET / HTTP/1.0\r\n\r\n", hint) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                                        "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
}

TEST_CASE("a content type cannot end its line") {
    const std::string type = "text/plain\r\nX-Evil: yes";
    prepared_response prepared(200, type, "hello");
    const handler made = [&type](request&, response& reply) -> task<> {
        reply.send(type, "hello");
        co_return;
    };
    const handler kept = [&prepared](request&, response& reply) -> task<> {
        reply.send(prepared);
        co_return;
    };
    for (const handler& each : {made, kept})
        CHECK(answers_to(get, each) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain  X-Evil: yes\r\n"
                                       "Content-Length: 5\r\n\r\nhello");
}

TEST_CASE("a field's value cannot end its line") {
    const auto inject = [](request&, response& reply) -> task<> {
        reply.add_field("Location", "/a\r\nX-Evil: yes\0"
                                    "b");
        reply.set_status(302);
        reply.send();
        co_return;
    };
    CHECK(answers_to(get, inject) ==
          "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /a  X-Evil: yes\r\n\r\n");
}

TEST_CASE("a connection ends after as many requests as it may have, and says so") {
    server_limits limits;
    limits.requests = 2;
    const std::string answers = answers_to(get + get + get, say_hello, limits);
    CHECK(answers == hello + "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                             "Connection: close\r\n\r\nhello");
}

TEST_CASE("events for a page are lines, whatever is in them") {
    const auto tell = [](request&, response& reply) -> task<> {
        event_stream events(reply);
        auto sent = co_await events.send({.data = "one\r\ntwo\rthree\n", .type = "news", .id = "7", .retry = 1500ms});
        CHECK(sent);
        sent = co_await events.send_comment();
        CHECK(sent);
        sent = co_await events.send({.data = "x", .type = "a\nb", .id = {}, .retry = {}});
        CHECK(sent.error() == std::errc::invalid_argument);
    };
    const std::string event = "event: news\nid: 7\nretry: 1500\ndata: one\ndata: two\ndata: three\ndata: \n\n";
    CHECK(answers_to(get, tell) == fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                               "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n"
                                               "{:x}\r\n{}\r\n4\r\n: \n\n\r\n0\r\n\r\n",
                                               event.size(), event));
}
