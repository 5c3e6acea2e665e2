#include "ground.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>

namespace conformance {
namespace {

constexpr __u64 at_the_position = ~__u64{0};

auto open_file(const std::string& path, int flags) {
    return [&path, flags](io_uring_sqe* sqe) {
        io_uring_prep_openat(sqe, AT_FDCWD, path.c_str(), flags | O_CLOEXEC, 0644);
    };
}

auto write_at(int fd, std::string_view text, __u64 where) {
    return [=](io_uring_sqe* sqe) {
        io_uring_prep_write(sqe, fd, text.data(), static_cast<unsigned>(text.size()), where);
    };
}

std::string read_at(test_ring& ring, int fd, unsigned size, __u64 where) {
    std::string text(size, '\0');
    const int got = ring.result_of([&](io_uring_sqe* sqe) { io_uring_prep_read(sqe, fd, text.data(), size, where); });
    if (got < 0) return "error " + std::to_string(got);
    text.resize(static_cast<std::size_t>(got));
    return text;
}

} // namespace

TEST_CASE_METHOD(ground, "a file is written and read at its position, or at others") {
    const std::string path = here().free_path();
    const int file = own(ring().result_of(open_file(path, O_RDWR | O_CREAT)));
    CHECK(ring().result_of(write_at(file, "hello ", at_the_position)) == 6);
    CHECK(ring().result_of(write_at(file, "world", at_the_position)) == 5);
    CHECK(read_at(ring(), file, 100, 0) == "hello world");
    CHECK(read_at(ring(), file, 100, at_the_position).empty());
    CHECK(ring().result_of(write_at(file, "H", 0)) == 1);
    CHECK(ring().result_of(write_at(file, "!", 13)) == 1);
    CHECK(read_at(ring(), file, 100, 6) == std::string("world\0\0!", 8));
    CHECK(read_at(ring(), file, 100, 1000).empty());
    const int again = own(ring().result_of(open_file(path, O_RDONLY)));
    CHECK(read_at(ring(), again, 3, at_the_position) == "Hel");
    CHECK(read_at(ring(), again, 3, at_the_position) == "lo ");
    CHECK(read_at(ring(), again, 5, 0) == "Hello");
    CHECK(read_at(ring(), again, 5, at_the_position) == "world");
}

TEST_CASE_METHOD(ground, "a file is opened as it was asked for") {
    const std::string path = here().free_path();
    CHECK(ring().result_of(open_file(path, O_RDONLY)) == -ENOENT);
    const int written = own(ring().result_of(open_file(path, O_WRONLY | O_CREAT | O_EXCL)));
    CHECK(ring().result_of(open_file(path, O_WRONLY | O_CREAT | O_EXCL)) == -EEXIST);
    CHECK(ring().result_of(write_at(written, "abc", at_the_position)) == 3);
    CHECK(read_at(ring(), written, 3, 0) == "error -9"); // EBADF
    const int read = own(ring().result_of(open_file(path, O_RDONLY)));
    CHECK(ring().result_of(write_at(read, "abc", 0)) == -EBADF);
    const int appended = own(ring().result_of(open_file(path, O_WRONLY | O_APPEND)));
    CHECK(ring().result_of(write_at(appended, "def", at_the_position)) == 3);
    CHECK(read_at(ring(), read, 10, 0) == "abcdef");
    own(ring().result_of(open_file(path, O_WRONLY | O_TRUNC)));
    CHECK(read_at(ring(), read, 10, 0).empty());
}

TEST_CASE_METHOD(ground, "the size of a file is told") {
    const std::string path = here().free_path();
    struct statx told{};
    const auto ask = [&](io_uring_sqe* sqe) { io_uring_prep_statx(sqe, AT_FDCWD, path.c_str(), 0, STATX_SIZE, &told); };
    CHECK(ring().result_of(ask) == -ENOENT);
    const int file = own(ring().result_of(open_file(path, O_WRONLY | O_CREAT)));
    CHECK(ring().result_of(write_at(file, "12345", 0)) == 5);
    CHECK(ring().result_of(ask) == 0);
    CHECK(told.stx_size == 5);
    CHECK(S_ISREG(told.stx_mode));
}

TEST_CASE_METHOD(ground, "a descriptor is closed through the ring, once") {
    const std::string path = here().free_path();
    const int file = ring().result_of(open_file(path, O_WRONLY | O_CREAT));
    CHECK(ring().result_of([&](io_uring_sqe* sqe) { io_uring_prep_close(sqe, file); }) == 0);
    CHECK(ring().result_of([&](io_uring_sqe* sqe) { io_uring_prep_close(sqe, -1); }) == -EBADF);
    CHECK(ring().result_of(write_at(-1, "x", 0)) == -EBADF);
}

TEST_CASE_METHOD(ground, "a pipe brings what was written, waits when it is empty, and ends with its writer") {
    const auto [reader, writer] = here().make_pipe();
    own(reader);
    own(writer);
    CHECK(ring().result_of(write_at(writer, "one two", at_the_position)) == 7);
    CHECK(read_at(ring(), reader, 3, at_the_position) == "one");
    CHECK(read_at(ring(), reader, 100, at_the_position) == " two");
    std::array<char, 16> space{};
    const auto reading = ring().start(
        [&](io_uring_sqe* sqe) { io_uring_prep_read(sqe, reader, space.data(), space.size(), at_the_position); });
    CHECK(ring().is_quiet());
    CHECK(ring().result_of(write_at(writer, "later", at_the_position)) == 5);
    CHECK(ring().next(reading).result == 5);
    close(writer);
    CHECK(read_at(ring(), reader, 3, at_the_position).empty());
}

TEST_CASE_METHOD(ground, "a full pipe makes its writer wait, and one without a reader refuses") {
    const auto [reader, writer] = here().make_pipe();
    own(reader);
    own(writer);
    const std::string all = pattern(100'000);
    std::string got;
    std::size_t sent = 0;
    const int first = ring().result_of(write_at(writer, all, at_the_position));
    CHECK(first == 65536); // pipe(7)
    sent += static_cast<std::size_t>(first);
    const auto writing = ring().start(write_at(writer, std::string_view(all).substr(sent), at_the_position));
    CHECK(ring().is_quiet());
    while (got.size() < sent) got += read_at(ring(), reader, 65536, at_the_position);
    sent += static_cast<std::size_t>(ring().next(writing).result);
    while (got.size() < sent) got += read_at(ring(), reader, 65536, at_the_position);
    CHECK(got == all.substr(0, sent));
    close(reader);
    CHECK(ring().result_of(write_at(writer, "x", at_the_position)) == -EPIPE);
}

} // namespace conformance
