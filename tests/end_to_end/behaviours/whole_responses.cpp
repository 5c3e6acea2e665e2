// Servers that are right, however odd: interim responses, bodies of every framing, pieces of every size.

#include "behaviour.hpp"

#include <map>

#include <zlib.h>

#include "../uring_client_support.hpp"

namespace tests {
namespace {

script bytewise(std::string response) {
    return [text = std::move(response)](conversation& client) {
        client.receive_request();
        client.send_bytewise(text);
    };
}

script then_pattern(std::string head, std::size_t size) {
    return [text = std::move(head), size](conversation& client) {
        client.receive_request();
        client.send(text);
        client.send_pattern(size);
    };
}

std::string in_chunks(const std::string& body, std::size_t size, const std::string& last = "0\r\n\r\n") {
    std::string all;
    for (std::size_t at = 0; at < body.size(); at += size) {
        const std::string piece = body.substr(at, size);
        char head[32];
        std::snprintf(head, sizeof head, "%zx\r\n", piece.size());
        all.append(head).append(piece).append("\r\n");
    }
    return all + last;
}

/// `bits`: 15 + 16 for gzip, 15 for zlib.
std::string compressed(const std::string& plain, int bits) {
    z_stream stream{};
    constexpr int usual_memory = 8;
    deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, bits, usual_memory, Z_DEFAULT_STRATEGY);
    std::string space(deflateBound(&stream, plain.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(space.data());
    stream.avail_out = static_cast<uInt>(space.size());
    deflate(&stream, Z_FINISH);
    space.resize(stream.total_out);
    deflateEnd(&stream);
    return space;
}

std::string coded(const std::string& coding, const std::string& body) {
    return ok + "Content-Encoding: " + coding + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// Answers with the request's head, or its body.
script mirror(bool body) {
    return [body](conversation& client) {
        for (;;) {
            const std::string request = client.receive_request();
            if (request.empty()) return;
            const auto end = request.find("\r\n\r\n") + 4;
            client.send(sized(body ? request.substr(end) : request.substr(0, request.find("\r\n"))));
        }
    };
}

std::vector<behaviour> framings() {
    const std::string text = "hello, you!";
    return {
        {"sized", {answer(sized("hello\n"))}, {}, "hello\n"},
        {"sized, nothing", {answer(sized(""))}, {}, ""},
        {"sized, a byte at a time", {bytewise(sized(text))}, {}, text},
        {"sized, 3 MB", {then_pattern(ok + "Content-Length: 3000000\r\n\r\n", 3'000'000)}, {}, pattern(0, 3'000'000)},
        {"chunked", {answer(chunked + in_chunks(text, 5))}, {}, text},
        {"chunked, a byte a chunk", {answer(chunked + in_chunks(text, 1))}, {}, text},
        {"chunked, a byte at a time", {bytewise(chunked + in_chunks(text, 3))}, {}, text},
        {"chunked, with extensions", {answer(chunked + "5;x=\"a;b\"\r\nhello\r\n0;last\r\n\r\n")}, {}, "hello"},
        {"chunked, a size with zeros", {answer(chunked + "0005\r\nhello\r\n0000\r\n\r\n")}, {}, "hello"},
        {"chunked, capitals", {answer(chunked + "A\r\n0123456789\r\n0\r\n\r\n")}, {}, "0123456789"},
        {"chunked, nothing", {answer(chunked + "0\r\n\r\n")}, {}, ""},
        {"chunked, with trailers", {answer(chunked + in_chunks(text, 4, "0\r\nX-Sum: 1\r\nY: 2\r\n\r\n"))}, {}, text},
        {"chunked, with trailers, -i",
         {answer(chunked + "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n")},
         {"-i"},
         chunked + "okX-Sum: 1\r\n"},
        {"chunked, 2 MB in chunks of 999",
         {answer(chunked + in_chunks(pattern(0, 2'000'000), 999))},
         {},
         pattern(0, 2'000'000)},
        {"ended by the connection", {answer(ok + "\r\nuntil the end")}, {}, "until the end"},
        {"ended by the connection, nothing", {answer(ok + "\r\n")}, {}, ""},
        {"ended by the connection, a byte at a time", {bytewise(ok + "\r\nuntil")}, {}, "until"},
        {"ended by the connection, 2 MB", {then_pattern(ok + "\r\n", 2'000'000)}, {}, pattern(0, 2'000'000)},
        {"HTTP/1.0", {answer("HTTP/1.0 200 OK\r\n\r\nold")}, {}, "old"},
        {"HTTP/1.0, sized, kept alive",
         {answer("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold")},
         {},
         "old"},
        {"HTTP/1.0, chunked",
         {answer("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")},
         {},
         "abc"},
        {"NULs and controls",
         {answer(sized(std::string("\xef\xbb\xbf\0\0\x1b[1m\xff", 10)))},
         {},
         std::string("\xef\xbb\xbf\0\0\x1b[1m\xff", 10)},
    };
}

std::vector<behaviour> heads() {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
    std::string many = ok;
    for (int i = 0; i < 90; ++i) many += "X-" + std::to_string(i) + ": " + std::string(300, 'v') + "\r\n";
    many += "Content-Length: 1\r\n\r\n";
    std::string interims;
    for (int i = 0; i < 20; ++i) interims += hints;
    return {
        {"no reason", {answer("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx")}, {}, "x"},
        {"a reason of bytes past ASCII", {answer("HTTP/1.1 200 D\xe9j\xe0\r\nContent-Length: 1\r\n\r\nx")}, {}, "x"},
        {"an empty value",
         {answer(ok + "X:\r\nContent-Length: 1\r\n\r\nx")},
         {"-i"},
         ok + "X:\r\nContent-Length: 1\r\n\r\nx"},
        {"a length with spaces around", {answer(ok + "Content-Length:   2  \r\n\r\nhi")}, {}, "hi"},
        {"names in other cases", {answer(ok + "cOnTeNt-LeNgTh: 2\r\n\r\nhi")}, {}, "hi"},
        {"codings in other cases", {answer(ok + "transfer-encoding: CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n")}, {}, "hi"},
        {"30 KB of head", {answer(many + "x")}, {"-i"}, many + "x"},
        {"the head a byte at a time, -i", {bytewise(sized("x"))}, {"-i"}, sized("x")},
        {"100 before", {answer("HTTP/1.1 100 Continue\r\n\r\n" + sized("x"))}, {}, "x"},
        {"102 and 103 before, -i",
         {answer("HTTP/1.1 102 Processing\r\n\r\n" + hints + sized("x"))},
         {"-i"},
         "HTTP/1.1 102 Processing\r\n\r\n" + hints + sized("x")},
        {"twenty interim ones", {answer(interims + sized("x"))}, {}, "x"},
        {"204", {answer("HTTP/1.1 204 No Content\r\n\r\n")}, {}, ""},
        {"205 with a length of 0", {answer("HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n")}, {}, ""},
        {"304 with a length", {answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")}, {}, ""},
        {"404", {answer("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnone\n")}, {}, "none\n"},
        {"404, -f",
         {answer("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnone\n")},
         {"-f"},
         "",
         22,
         "answers 404 Not Found"},
        {"500, --fail-with-body",
         {answer("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nno\n")},
         {"--fail-with-body"},
         "no\n",
         22,
         "answers 500 Oh"},
        {"399, -f", {answer("HTTP/1.1 399 Odd\r\nContent-Length: 1\r\n\r\nx")}, {"-f"}, "x"},
        {"503, -sf", {answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")}, {"-sf"}, "", 22},
        {"HEAD", {answer(ok + "Content-Length: 99\r\n\r\n")}, {"-I"}, ok + "Content-Length: 99\r\n\r\n"},
        {"HEAD of a chunked page", {answer(chunked)}, {"-I"}, chunked},
        {"HEAD of what is not there", {answer("HTTP/1.1 404 No\r\n\r\n")}, {"-I"}, "HTTP/1.1 404 No\r\n\r\n"},
        {"-I with GET", {answer(sized("body"))}, {"-I", "-X", "GET"}, ok + "Content-Length: 4\r\n\r\n"},
        {"more behind it", {answer(sized("hello") + "surplus")}, {}, "hello"},
    };
}

std::vector<behaviour> codings() {
    const std::string text(5000, 'z');
    const std::string bomb = compressed(std::string(50'000'000, '\0'), 31);
    return {
        {"gzip", {answer(coded("gzip", compressed(text, 31)))}, {"--compressed"}, text},
        {"gzip, a byte at a time", {bytewise(coded("gzip", compressed(text, 31)))}, {"--compressed"}, text},
        {"x-gzip", {answer(coded("x-gzip", compressed(text, 31)))}, {"--compressed"}, text},
        {"deflate", {answer(coded("deflate", compressed(text, 15)))}, {"--compressed"}, text},
        {"identity", {answer(coded("identity", text))}, {"--compressed"}, text},
        {"gzip that was not asked for", {answer(coded("gzip", compressed(text, 31)))}, {}, compressed(text, 31)},
        {"gzip, cut short inside",
         {answer(coded("gzip", compressed(pattern(0, 5000), 31).substr(0, 200)))},
         {"--compressed", "-o", "/dev/null"},
         "",
         61,
         "cannot be decompressed",
         curl_does::other},
        {"gzip that is none",
         {answer(coded("gzip", "this is no gzip"))},
         {"--compressed"},
         "",
         61,
         "cannot be decompressed"},
        {"a coding nobody knows", {answer(coded("rot13", "uryyb"))}, {"--compressed"}, "", 61, "'rot13' is not known"},
        {"a gzip bomb, bounded",
         {answer(coded("gzip", bomb))},
         {"--compressed", "--max-filesize", "1M", "-o", "/dev/null"},
         "",
         63,
         "larger than 1048576 bytes",
         curl_does::other},
        {"larger than allowed, and says so",
         {answer(sized(text))},
         {"--max-filesize", "4999"},
         "",
         63,
         "larger than 4999 bytes"},
        {"as large as allowed", {answer(sized(text))}, {"--max-filesize", "5000"}, text},
    };
}

std::vector<behaviour> requests() {
    return {
        {"the request line", {mirror(false)}, {}, "GET / HTTP/1.1"},
        {"a method", {mirror(false)}, {"-X", "PURGE"}, "PURGE / HTTP/1.1"},
        {"data", {mirror(true)}, {"-d", "a=1", "-d", "b=2"}, "a=1&b=2"},
        {"raw data", {mirror(true)}, {"--data-raw", "@a"}, "@a"},
        {"encoded data",
         {mirror(true)},
         {"--data-urlencode", "k=a b&c", "--data-urlencode", "=d/e", "--data-urlencode", "f g"},
         "k=a+b%26c&d%2Fe&f+g"},
        {"JSON", {mirror(true)}, {"--json", "{\"a\":", "--json", "1}"}, "{\"a\":1}"},
        {"data in the order of the command line",
         {mirror(true)},
         {"--data-raw", "1", "-d", "2", "--data-binary", "3", "-d", "4"},
         "1&2&3&4"},
        {"data in the query",
         {mirror(false)},
         {"-G", "-d", "a=1", "--data-urlencode", "b=c d"},
         "GET /?a=1&b=c+d HTTP/1.1"},
        {"HEAD with data in the query", {answer(ok + "\r\n")}, {"-G", "-I", "-d", "a=1"}, ok + "\r\n"},
        {"-w, what it knows",
         {answer("HTTP/1.1 404 No\r\nContent-Type: a/b\r\nX-Y: z\r\nContent-Length: 3\r\n\r\nabc")},
         {"-w", "|%{http_code} %{size_download} %{content_type} %header{x-y} %{num_redirects} %{method} %{scheme}\\n"},
         "abc|404 3 a/b z 0 GET HTTP\n"},
        {"-w to standard output after an error", {answer("")}, {"-sw", "%{exitcode} %{http_code}"}, "52 000", 52},
        {"-w, for errors alone", {answer(sized("x"))}, {"-w", "%{onerror}bad"}, "x"},
    };
}

} // namespace

std::vector<behaviour> whole_responses() {
    std::vector<behaviour> all = framings();
    for (auto& more : {heads(), codings(), requests()}) all.insert(all.end(), more.begin(), more.end());
    return all;
}

} // namespace tests
