// Bodies that come compressed.

#include <tuyau/net/http/client/content_decoder.hpp>

#include <string>
#include <vector>

#include <brotli/encode.h>
#include <catch2/catch_test_macros.hpp>
#include <zlib.h>
#include <zstd.h>

#include "client_support.hpp"

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using kind = client_error::kind;

namespace {

std::string deflated(const std::string& text, int window) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(compressBound(text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

std::string compressed(const std::string& coding, const std::string& text) {
    if (coding == "gzip" || coding == "x-gzip") return deflated(text, 31);
    if (coding == "deflate") return deflated(text, 15);
    if (coding == "bare deflate") return deflated(text, -15);
    if (coding == "br") {
        std::size_t size = BrotliEncoderMaxCompressedSize(text.size()) + 16;
        std::string out(size, '\0');
        REQUIRE(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, text.size(),
                                      reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                                      reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_TRUE);
        return out.substr(0, size);
    }
    std::string out(ZSTD_compressBound(text.size()), '\0');
    const std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
    REQUIRE(ZSTD_isError(size) == 0);
    return out.substr(0, size);
}

const std::vector<std::string> codings = {"gzip", "x-gzip", "deflate", "bare deflate", "br", "zstd"};

std::string name_of(const std::string& coding) { return coding == "bare deflate" ? "deflate" : coding; }

/// In brotli, with something between both halves that takes many bytes and says nothing (RFC 7932, section 9.2: metadata).
std::string brotli_with_pause(const std::string& text) {
    std::string out;
    BrotliEncoderState* encoder = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
    REQUIRE(encoder != nullptr);
    const auto put = [&](BrotliEncoderOperation what, std::string_view bytes) {
        std::size_t left = bytes.size();
        auto* next = reinterpret_cast<const std::uint8_t*>(bytes.data());
        std::size_t size = 0;
        do {
            std::size_t room = 0;
            REQUIRE(BrotliEncoderCompressStream(encoder, what, &left, &next, &room, nullptr, nullptr) == BROTLI_TRUE);
            size = 0; // as much as there is
            const auto* made = BrotliEncoderTakeOutput(encoder, &size);
            out.append(reinterpret_cast<const char*>(made), size);
        } while (left != 0 || size != 0);
    };
    const std::string_view all = text;
    put(BROTLI_OPERATION_FLUSH, all.substr(0, all.size() / 2));
    put(BROTLI_OPERATION_EMIT_METADATA, std::string(100, '.'));
    put(BROTLI_OPERATION_FINISH, all.substr(all.size() / 2));
    BrotliEncoderDestroyInstance(encoder);
    return out;
}

/// Decoded in pieces of `step` bytes; or `error: …`.
std::string decoded(const std::string& names, std::string_view bytes, std::size_t step, decoding_limits limits = {}) {
    http::detail::content_decoder decoder(limits);
    if (!decoder.add(names)) return "error: unknown";
    std::string all;
    const auto take = [&]() -> std::string {
        for (;;) {
            auto piece = decoder.next();
            if (!piece) return "error: " + piece.error();
            if (piece->empty()) return {};
            all += *piece;
        }
    };
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
        decoder.feed(bytes.substr(0, step));
        if (auto error = take(); !error.empty()) return error;
    }
    if (auto error = decoder.finish(); !error.empty()) return "error: " + error;
    return all;
}

} // namespace

TEST_CASE("each coding is undone, however it is cut") {
    for (const std::string& text : {std::string(), std::string("hello"), pattern(0, 300'000)})
        for (const std::string& coding : codings)
            for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100'000'000}}) {
                INFO(coding << ' ' << text.size() << ' ' << step);
                CHECK((decoded(name_of(coding), compressed(coding, text), step) == text));
            }
}

TEST_CASE("several codings are undone in the order in which they were not applied") {
    const std::string text = pattern(0, 100'000);
    const std::string twice = compressed("br", compressed("gzip", text));
    CHECK((decoded("gzip, br", twice, 1000) == text));
    CHECK((decoded("GZip , identity,BR", twice, 1000) == text));
    CHECK(decoded("br, gzip", twice, 1000).starts_with("error: this is no gzip"));
    CHECK(decoded("gzip, lzw", twice, 1000) == "error: unknown");
}

TEST_CASE("a coding bears that nothing comes for it from the one around it for long") {
    for (const std::string& coding : codings)
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100'000'000}}) {
            INFO(coding << ' ' << step);
            CHECK(decoded(name_of(coding) + ", br", brotli_with_pause(compressed(coding, "hello")), step) == "hello");
        }
}

TEST_CASE("codings in several fields are those of one list") {
    const std::string body = compressed("br", compressed("gzip", "hello"));
    scripted_server server(
        answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body));
    CHECK(fetch_once(server.url()).body == "hello");
}

TEST_CASE("several members of gzip, and frames of zstd, are one body") {
    CHECK(decoded("gzip", compressed("gzip", "hello") + compressed("gzip", " you"), 3) == "hello you");
    CHECK(decoded("zstd", compressed("zstd", "hello") + compressed("zstd", " you"), 3) == "hello you");
}

TEST_CASE("what is corrupt, cut short or followed by something else is an error") {
    const std::string text = pattern(0, 10'000);
    for (const std::string& coding : codings) {
        INFO(coding);
        const std::string good = compressed(coding, text);
        for (const std::size_t size : {std::size_t{1}, std::size_t{5}, good.size() / 2, good.size() - 1})
            CHECK(decoded(name_of(coding), good.substr(0, size), 64).starts_with("error: "));
        CHECK(decoded(name_of(coding), good + "rubbish", 64).starts_with("error: "));
        CHECK(decoded(name_of(coding), std::string(100, '\xff'), 64).starts_with("error: "));
    }
}

TEST_CASE("whether a frame of zstd is good does not depend on how it was cut") {
    const std::string text(300, 'h');
    // RFC 8878, section 3.1.1: magic number, a descriptor, a window, 256 less than the size; then one raw block, the last.
    const auto frame = [&](char window) {
        return std::string("\x28\xb5\x2f\xfd\x40", 5) + window + std::string("\x2c\x00\x61\x09\x00", 5) + text;
    };
    const char of_8_mib = 13 << 3;
    const char of_16_mib = 14 << 3;
    const std::string of_an_older_format("\x27\xb5\x2f\xfd\x00\x58\x40\x00\x05hello\xc0\x00\x00", 17);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100'000'000}}) {
        INFO(step);
        CHECK(decoded("zstd", frame(of_8_mib), step) == text);
        CHECK(decoded("zstd", frame(of_16_mib), step) ==
              "error: this is no zstd: Frame requires too much memory for decoding");
        CHECK(decoded("zstd", of_an_older_format, step) == "error: this is no zstd: Unknown frame descriptor");
    }
}

TEST_CASE("a bomb is defused by its size or its ratio") {
    const std::string zeros(50'000'000, '\0');
    for (const std::string& coding : codings) {
        INFO(coding);
        const std::string bomb = compressed(coding, zeros);
        CHECK(decoded(name_of(coding), bomb, 1000, {1'000'000, 0}) == "error: more than 1000000 bytes come out of it");
        CHECK(decoded(name_of(coding), bomb, 1000, {0, 100}).ends_with("more than 100 for each"));
    }
}

TEST_CASE("a long body that is all the same is no less whole than another") {
    const std::string zeros(50'000'000, '\0');
    for (const std::string& coding : codings) {
        INFO(coding);
        CHECK((decoded(name_of(coding), compressed(coding, zeros), 1'000'000) == zeros));
    }
}

TEST_CASE("a client asks for compressed bodies and gives them as they were") {
    const std::string text = pattern(0, 200'000);
    for (const std::string& coding : codings) {
        INFO(coding);
        const std::string body = compressed(coding, text);
        std::string asked;
        scripted_server server([&](conversation& client) {
            asked = client.receive_request();
            client.send("HTTP/1.1 200 OK\r\nContent-Encoding: " + name_of(coding) +
                        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        });
        const outcome got = fetch_once(server.url());
        CHECK_FALSE(got.error);
        CHECK((got.body == text));
        CHECK(asked.find("Accept-Encoding: gzip, deflate, br, zstd\r\n") != std::string::npos);
    }
}

TEST_CASE("a compressed body that is corrupt or unknown is an error, and one of no bytes is empty") {
    const auto got_with = [](const std::string& coding, const std::string& body) {
        scripted_server server(answer("HTTP/1.1 200 OK\r\nContent-Encoding: " + coding +
                                      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
        return fetch_once(server.url());
    };
    for (const outcome& got : {got_with("gzip", "hello"), got_with("lzw", "hello"),
                               got_with("gzip", compressed("gzip", "hello").substr(0, 12))}) {
        REQUIRE(got.error);
        CHECK(got.error->what == kind::bad_coding);
    }
    CHECK_FALSE(got_with("gzip", "").error);
}
