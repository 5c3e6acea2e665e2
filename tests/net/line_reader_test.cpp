#include <tuyau/net/line_reader.hpp>

#include <string>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/runtime/scope.hpp>

using tuyau::line_reader;
using tuyau::loop;
using tuyau::task;
using tuyau::tcp_stream;

namespace {

/// The lines that a reader makes of `text` when it comes in pieces of `step` bytes, and how they ended.
std::vector<std::string> lines_of(const std::string& text, std::size_t step, std::size_t longest = 8192) {
    loop here;
    std::vector<std::string> lines;
    auto sockets = tests::descriptor_pair::sockets();
    here.run([](tests::descriptor_pair& pair, const std::string& bytes, std::size_t piece, std::size_t limit,
                std::vector<std::string>& into) -> task<> {
        tcp_stream stream(pair.take_first());
        tuyau::scope writer;
        writer.spawn([](tests::descriptor_pair& ends, const std::string& all, std::size_t size) -> task<> {
            for (std::size_t at = 0; at < all.size(); at += size) {
                tests::write_now(ends.second(), std::string_view(all).substr(at, size));
                co_await tests::nop();
                co_await tuyau::yield();
            }
            ::close(ends.take_second());
        }(pair, bytes, piece));
        line_reader reader(stream, limit);
        for (;;) {
            auto line = co_await reader.next();
            if (line) {
                into.push_back(*line);
                continue;
            }
            into.push_back(line.error() == std::errc::broken_pipe    ? "END"
                           : line.error() == std::errc::message_size ? "TOO LONG"
                                                                     : "ERROR");
            break;
        }
        co_await writer.join();
    }(sockets, text, step, longest, lines));
    return lines;
}

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("lines are the same however the network cut them") {
    const std::string text = "first\r\nsecond\n\n\r\nwith \r inside\nlast without end";
    for (std::size_t step : {1u, 2u, 3u, 5u, 7u, 100u})
        CHECK(lines_of(text, step) == lines{"first", "second", "", "", "with \r inside", "last without end", "END"});
}

TEST_CASE("a stream without a byte has no line") { CHECK(lines_of("", 1) == lines{"END"}); }

TEST_CASE("a last line that has its end is not followed by an empty one") {
    CHECK(lines_of("only\n", 1) == lines{"only", "END"});
    CHECK(lines_of("\n", 1) == lines{"", "END"});
}

TEST_CASE("a line as long as the limit passes, and one byte more does not, whatever its end") {
    for (std::size_t step : {1u, 4u, 100u}) {
        CHECK(lines_of("12345\r\n12345\n", step, 5) == lines{"12345", "12345", "END"});
        CHECK(lines_of("123456\n", step, 5) == lines{"TOO LONG"});
        CHECK(lines_of("123456\r\n", step, 5) == lines{"TOO LONG"});
        CHECK(lines_of("ok\n" + std::string(100, 'x'), step, 5) == lines{"ok", "TOO LONG"});
    }
}

TEST_CASE("a line longer than many buffers is put together") {
    const std::string longest(100'000, 'y');
    CHECK(lines_of(longest + "\nz\n", 10'000, 200'000) == lines{longest, "z", "END"});
}
