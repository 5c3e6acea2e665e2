#include <tuyau/net/http/send_batch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/loop.hpp>

using namespace tuyau;

namespace {

/// A stream whose peer takes so much of a file at a time.
struct measured_stream {
    task<result<void>> send(std::span<iovec>) { co_return {}; }
    task<result<std::size_t>> send_some(const file&, std::uint64_t, std::uint64_t most) {
        const std::size_t size = std::min<std::size_t>(most, at_a_time);
        sent += size;
        co_return size;
    }
    std::size_t at_a_time;
    std::size_t sent = 0;
};

/// How often a client that takes a file so has got on, from beginning to end.
task<> send_to(measured_stream& to, std::size_t size, std::size_t& progress) {
    const file nothing;
    http::response_batch batch;
    batch.add_file(nothing, 0, size, http::body_framing::none);
    auto done = co_await http::detail::send_with_files(to, batch, [&progress] { ++progress; });
    CHECK(done);
}

} // namespace

TEST_CASE("a client gets time anew by what it has taken of a file, not by how often it took something") {
    constexpr std::size_t size = 160 * 1024;
    const std::size_t at_a_time = GENERATE(1, 1000, 16 * 1024);
    measured_stream stream{at_a_time};
    std::size_t progress = 0;
    loop here;
    here.run(send_to(stream, size, progress));
    CHECK(stream.sent == size);
    CHECK(progress >= size / (16 * 1024 + at_a_time));
    CHECK(progress <= size / (16 * 1024) + 2);
}

TEST_CASE("a client that takes much at a time gets time anew for each") {
    measured_stream stream{64 * 1024};
    std::size_t progress = 0;
    loop here;
    here.run(send_to(stream, 256 * 1024, progress));
    CHECK(progress == 4 + 2);
}
