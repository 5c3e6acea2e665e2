#include <tuyau/net/http/send_batch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/loop.hpp>

using namespace tuyau;

namespace {

/// A stream whose peer takes so much of a file at a time.
struct measured_stream {
    explicit measured_stream(std::size_t size) noexcept : at_a_time(size) {}

    task<result<void>> send(std::span<iovec> pieces) {
        std::size_t size = 0;
        for (const iovec& each : pieces) {
            taken.append(static_cast<const char*>(each.iov_base), each.iov_len);
            size += each.iov_len;
        }
        most_at_once = std::max(most_at_once, size);
        co_return {};
    }
    task<result<std::size_t>> send_some(const file&, std::uint64_t, std::uint64_t most) {
        const std::size_t size = std::min<std::size_t>(most, at_a_time);
        sent += size;
        co_return size;
    }
    std::size_t at_a_time;
    std::size_t sent = 0;
    std::string taken;
    std::size_t most_at_once = 0;
};

/// How often a client that takes a file so has got on, from beginning to end.
task<> send_to(measured_stream& to, std::size_t size, std::size_t& progress) {
    const file nothing;
    http::response_batch batch;
    batch.add_file(nothing, 0, size, http::body_framing::none);
    auto done = co_await http::detail::send_in_parts(to, batch, [&progress] { ++progress; });
    CHECK(done);
}

} // namespace

TEST_CASE("a client gets time anew by what it has taken of a file, not by how often it took something") {
    constexpr std::size_t size = 160 * 1024;
    const std::size_t at_a_time = GENERATE(1, 1000, 16 * 1024);
    measured_stream stream(at_a_time);
    std::size_t progress = 0;
    loop here;
    here.run(send_to(stream, size, progress));
    CHECK(stream.sent == size);
    CHECK(progress >= size / (16 * 1024 + at_a_time));
    CHECK(progress <= size / (16 * 1024) + 2);
}

TEST_CASE("a client that takes much at a time gets time anew for each") {
    measured_stream stream(64 * 1024);
    std::size_t progress = 0;
    loop here;
    here.run(send_to(stream, 256 * 1024, progress));
    CHECK(progress == 4 + 2);
}

TEST_CASE("a client that takes a long answer from memory gets time anew for each part of it") {
    constexpr std::size_t at_once = http::response_batch::most_at_once;
    std::string first(at_once - 1, 'a');
    std::string second(3 * at_once, 'b');
    std::string third(10, 'c');
    measured_stream stream(1);
    std::size_t progress = 0;
    loop here;
    here.run([](measured_stream& to, std::size_t& times, std::string& a, std::string& b, std::string& c) -> task<> {
        http::response_batch batch;
        for (const std::string* each : {&a, &b, &c}) batch.add_piece(*each, http::body_framing::none);
        CHECK(batch.is_long());
        auto done = co_await http::detail::send_in_parts(to, batch, [&times] { ++times; });
        CHECK(done);
    }(stream, progress, first, second, third));
    CHECK(stream.taken == first + second + third);
    CHECK(stream.most_at_once == at_once);
    CHECK(progress >= 5);
}

TEST_CASE("of a file that a client has taken in part, so much is counted") {
    struct leaving_client {
        task<result<void>> send(std::span<iovec>) { co_return {}; }
        task<result<std::size_t>> send_some(const file&, std::uint64_t position, std::uint64_t) {
            if (position == 30) co_return failure(std::errc::connection_reset);
            co_return std::size_t{10};
        }
    };
    std::uint64_t sent = 5; // of the body before the file
    loop here;
    here.run([](std::uint64_t& count) -> task<> {
        leaving_client client;
        const file nothing;
        http::response_batch batch;
        batch.add_file(nothing, 0, 1000, http::body_framing::none, &count);
        auto done = co_await http::detail::send_in_parts(client, batch, [] {});
        CHECK(done.error() == std::errc::connection_reset);
    }(sent));
    CHECK(sent == 5 + 30);
}
