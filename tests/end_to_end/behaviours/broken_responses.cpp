// Servers that break the rules of HTTP: each is refused at the byte that is wrong, and nothing is passed off as whole.

#include "behaviour.hpp"

#include "../uring_client_support.hpp"

namespace tests {
namespace {

constexpr auto other = curl_does::other;

behaviour bad(std::string name, std::string response, std::string told, std::string output = "",
              curl_does curl = other) {
    return {std::move(name), {answer(std::move(response))}, {}, std::move(output), malformed, std::move(told), curl};
}

behaviour cut(std::string name, std::string response, std::string output, std::string told,
              curl_does curl = curl_does::the_same) {
    return {std::move(name), {answer(std::move(response))}, {}, std::move(output), cut_short, std::move(told), curl};
}

std::vector<behaviour> broken_heads() {
    return {
        bad("garbage", "garbage garbage\r\n\r\n", "at byte 0"),
        bad("a TLS alert", std::string("\x15\x03\x01\x00\x02\x02\x28", 7), "this is TLS, not HTTP"),
        bad("SSH", "SSH-2.0-OpenSSH_9.2\r\n", "at byte"),
        bad("SMTP", "220 mail.example ESMTP\r\n", "at byte 0"),
        bad("a blank line first", "\x01\r\n" + sized("x"), "at byte 0"),
        bad("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "at byte"),
        bad("HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "at byte"),
        bad("HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", "at byte"),
        bad("HTTP/0.9 by name", "HTTP/0.9 200 OK\r\n\r\n", "at byte"),
        bad("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "at byte"),
        bad("a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "at byte"),
        bad("a status of letters", "HTTP/1.1 abc OK\r\n\r\n", "at byte"),
        bad("no space after the version", "HTTP/1.1200 OK\r\n\r\n", "at byte"),
        bad("lines without CR", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "at byte"),
        bad("a CR alone in a head", "HTTP/1.1 200 OK\rX: y\r\n\r\n", "at byte"),
        bad("a folded field", ok + "A: b\r\n c\r\nContent-Length: 1\r\n\r\nx", "at byte"),
        bad("white space before the colon", ok + "Content-Length : 1\r\n\r\nx", "at byte"),
        bad("a line without a colon", ok + "nonsense\r\nContent-Length: 1\r\n\r\nx", "at byte"),
        bad("an empty name", ok + ": x\r\nContent-Length: 1\r\n\r\nx", "at byte"),
        bad("a NUL in a value", ok + std::string("X: a\0b\r\n", 8) + "Content-Length: 1\r\n\r\nx", "at byte"),
        bad("a control character in a name", ok + "X\x01: y\r\nContent-Length: 1\r\n\r\nx", "at byte"),
        bad("101 that nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "at byte"),
        bad("a head without end", ok + "X: " + std::string(200'000, 'x'), "at byte"),
    };
}

std::vector<behaviour> broken_lengths() {
    return {
        bad("differing lengths", ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "at byte"),
        bad("the same length twice", ok + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "at byte"),
        bad("a list of lengths", ok + "Content-Length: 3, 4\r\n\r\nabc", "at byte"),
        bad("a length below zero", ok + "Content-Length: -1\r\n\r\nabc", "at byte"),
        bad("a length with a sign", ok + "Content-Length: +3\r\n\r\nabc", "at byte"),
        bad("a length in hexadecimal", ok + "Content-Length: 0x3\r\n\r\nabc", "at byte"),
        bad("a length of letters", ok + "Content-Length: three\r\n\r\nabc", "at byte"),
        bad("an empty length", ok + "Content-Length:\r\n\r\nabc", "at byte"),
        bad("a length beyond 64 bits", ok + "Content-Length: 99999999999999999999\r\n\r\nabc", "at byte"),
        bad("a length and chunks", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "at byte"),
        bad("an unknown transfer coding", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "at byte"),
        bad("chunked twice", ok + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "at byte"),
        cut("sized, cut short", ok + "Content-Length: 10\r\n\r\nabc", "abc", "after 3 of the body's 10 bytes"),
        cut("sized, cut short before it", ok + "Content-Length: 10\r\n\r\n", "", "after 0 of the body's 10 bytes"),
    };
}

std::vector<behaviour> broken_chunks() {
    return {
        bad("a bad chunk size", chunked + "xyz\r\nabc\r\n0\r\n\r\n", "chunk size"),
        bad("a bad second chunk size", chunked + "3\r\nabc\r\nzz\r\n", "chunk size", "abc"),
        bad("an empty chunk size", chunked + "\r\nabc\r\n0\r\n\r\n", "at byte"),
        bad("a chunk size with a sign", chunked + "-3\r\nabc\r\n0\r\n\r\n", "at byte"),
        bad("a chunk size with 0x", chunked + "0x3\r\nabc\r\n0\r\n\r\n", "at byte"),
        bad("a chunk size beyond 64 bits", chunked + "fffffffffffffffff\r\nabc", "at byte"),
        bad("a chunk longer than its size", chunked + "3\r\nabcdef\r\n0\r\n\r\n", "at byte", "abc"),
        bad("a chunk size ended by LF", chunked + "3\nabc\r\n0\r\n\r\n", "at byte"),
        bad("trailers that are none", chunked + "3\r\nabc\r\n0\r\nnonsense\r\n\r\n", "at byte", "abc"),
        bad("extensions without end", chunked + "3;" + std::string(100'000, 'x') + "\r\nabc\r\n0\r\n\r\n", "at byte"),
        cut("chunked, cut short in a size", chunked + "5", "", "at byte"),
        cut("chunked, cut short in a chunk", chunked + "5\r\nabc", "abc", "at byte"),
        cut("chunked, cut short behind a chunk", chunked + "3\r\nabc\r\n", "abc", "at byte"),
        cut("chunked, cut short in the trailers", chunked + "3\r\nabc\r\n0\r\nX: y\r\n", "abc", "at byte"),
    };
}

} // namespace

std::vector<behaviour> broken_responses() {
    std::vector<behaviour> all = broken_heads();
    for (auto& more : {broken_lengths(), broken_chunks()}) all.insert(all.end(), more.begin(), more.end());
    return all;
}

} // namespace tests
