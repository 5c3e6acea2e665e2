#include <tuyau/runtime/file.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/scope.hpp>

using tuyau::loop;
using tuyau::result;
using tuyau::task;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

task<std::string> read_all(int fd) {
    std::string text;
    std::array<std::byte, 1000> space{};
    for (;;) {
        auto size = co_await tuyau::read_some(fd, space);
        if (!size || *size == 0) co_return text;
        text.append(reinterpret_cast<const char*>(space.data()), static_cast<std::size_t>(*size));
    }
}

task<result<void>> write_text(int fd, const std::string& text) {
    co_return co_await tuyau::write_all(fd, bytes_of(text));
}

} // namespace

TEST_CASE("a regular file is written and read at its position, to its end") {
    loop here;
    char name[] = "/tmp/tuyau-file-test-XXXXXX";
    const int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    ::unlink(name);
    const std::string text(10'000, 'q');
    CHECK(here.run(write_text(fd, text)));
    CHECK(here.run(write_text(fd, "end")));
    ::lseek(fd, 0, SEEK_SET);
    CHECK(here.run(read_all(fd)) == text + "end");
    ::close(fd);
}

TEST_CASE("more than a pipe holds is written whole while another coroutine reads it") {
    loop here;
    auto pipe = tests::descriptor_pair::pipe();
    std::string text;
    for (int number = 0; text.size() < 1'000'000; ++number) text += std::to_string(number) + " ";
    std::string read;
    here.run([](tests::descriptor_pair& ends, const std::string& bytes, std::string& into) -> task<> {
        tuyau::scope reader;
        reader.spawn([](int fd, std::string& to) -> task<> { to = co_await read_all(fd); }(ends.first(), into));
        auto written = co_await write_text(ends.second(), bytes);
        CHECK(written);
        ::close(ends.take_second());
        co_await reader.join();
    }(pipe, text, read));
    CHECK(read == text);
}

TEST_CASE("writing nothing succeeds, and writing to nobody is an error value") {
    loop here;
    auto pipe = tests::descriptor_pair::pipe();
    CHECK(here.run(write_text(pipe.second(), "")));
    ::close(pipe.take_first());
    auto failed = tests::in_child([fd = pipe.second()] {
        std::signal(SIGPIPE, SIG_IGN);
        loop inner;
        auto written = inner.run(write_text(fd, "x"));
        return !written && written.error() == std::errc::broken_pipe ? 1 : 0;
    });
    CHECK(failed.exit_code == 1);
}

TEST_CASE("a write that waits for room ends with a stop") {
    loop here;
    auto pipe = tests::descriptor_pair::pipe();
    const std::string text(1'000'000, 'x');
    here.run([](loop& on, int fd, const std::string& bytes) -> task<> {
        std::optional<result<void>> outcome;
        tuyau::scope writer;
        writer.spawn([](int to, const std::string& all, std::optional<result<void>>& out) -> task<> {
            out = co_await write_text(to, all);
        }(fd, bytes, outcome));
        for (int step = 0; step < 10; ++step) co_await tests::nop();
        CHECK_FALSE(outcome);
        writer.stop();
        co_await writer.join();
        REQUIRE(outcome);
        CHECK(tuyau::is_cancelled(outcome->error()));
        CHECK(on.requests().in_flight() == 0);
    }(here, pipe.second(), text));
}
