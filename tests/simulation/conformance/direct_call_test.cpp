// The system calls that the runtime makes past the ring.

#include "ground.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

namespace system = tuyau::system;

auto poll_for(int fd, unsigned events) {
    return [=](io_uring_sqe* sqe) { io_uring_prep_poll_add(sqe, fd, events); };
}

int send_now(int fd, std::string_view bytes) { return system::send_now(fd, bytes.data(), bytes.size()); }

std::string receive_now(int fd) {
    std::array<char, 64> space{};
    const int got = system::receive_now(fd, space.data(), space.size());
    return got < 0 ? "error " + std::to_string(got) : std::string(space.data(), static_cast<std::size_t>(got));
}

const std::string nothing_yet = "error -11"; // EAGAIN

} // namespace

TEST_CASE_METHOD(ground, "a send at once takes what there is room for, and tells when there is none") {
    const auto [client, server] = connect();
    CHECK(send_now(client, "abc") == 3);
    CHECK(receive(server, 3) == "abc");
    const std::string all = pattern(4'000'000);
    std::size_t sent = 0;
    int taken = 0;
    while ((taken = send_now(client, std::string_view(all).substr(sent))) > 0) sent += static_cast<std::size_t>(taken);
    CHECK(taken == -EAGAIN);
    CHECK(sent < all.size());
    CHECK(receive(server, sent) == all.substr(0, sent));
}

TEST_CASE_METHOD(ground, "a receive at once takes what has come, and tells when nothing has") {
    const auto [client, server] = connect();
    CHECK_FALSE(system::has_input(server));
    CHECK(receive_now(server) == nothing_yet);
    CHECK(send_now(client, "abc") == 3);
    CHECK((ring().result_of(poll_for(server, POLLIN)) & POLLIN) != 0);
    CHECK(system::has_input(server));
    CHECK(receive_now(server) == "abc");
    CHECK_FALSE(system::has_input(server));
    CHECK_FALSE(system::hung_up(server));
    CHECK(system::shut_down(client, SHUT_WR) == 0);
    CHECK((ring().result_of(poll_for(server, POLLIN)) & POLLIN) != 0);
    CHECK(system::has_input(server));
    CHECK(system::hung_up(server));
    CHECK(receive_now(server).empty());
    CHECK(receive_now(server).empty());
}

TEST_CASE_METHOD(ground, "a file in memory goes to a socket by reference, from where it is asked to") {
    const auto [client, server] = connect();
    const std::string_view digits = "0123456789";
    const int file = own(system::make_memory_file(digits.data(), digits.size()));
    CHECK(system::send_file_now(client, file, 4, 100) == 6);
    CHECK(receive(server, 6) == "456789");
    CHECK(system::send_file_now(client, file, 2, 3) == 3);
    CHECK(receive(server, 3) == "234");
    CHECK(system::send_file_now(client, file, 10, 1) == 0);
    const std::string all = pattern(4'000'000);
    const int large = own(system::make_memory_file(all.data(), all.size()));
    std::size_t sent = 0;
    int taken = 0;
    while ((taken = system::send_file_now(client, large, sent, all.size() - sent)) > 0)
        sent += static_cast<std::size_t>(taken);
    CHECK(taken == -EAGAIN);
    CHECK(sent < all.size());
    CHECK(receive(server, sent) == all.substr(0, sent));
}

TEST_CASE_METHOD(ground, "an open file is looked at without the ring, and opened by openat2(2) as by open(2)") {
    const std::string path = here().free_path();
    open_how how{};
    const auto open = [&](io_uring_sqe* sqe) { io_uring_prep_openat2(sqe, AT_FDCWD, path.c_str(), &how); };
    how.flags = O_RDONLY | O_CLOEXEC;
    CHECK(ring().result_of(open) == -ENOENT);
    how.flags = O_WRONLY | O_CREAT | O_CLOEXEC;
    how.mode = 0644;
    const int file = own(ring().result_of(open));
    struct statx told {};
    CHECK(system::look_at_file(file, told) == 0);
    CHECK(told.stx_size == 0);
    CHECK(S_ISREG(told.stx_mode));
    CHECK(told.stx_nlink == 1);
    const auto write = [&](io_uring_sqe* sqe) { io_uring_prep_write(sqe, file, "12345", 5, 0); };
    CHECK(ring().result_of(write) == 5);
    CHECK(system::look_at_file(file, told) == 0);
    CHECK(told.stx_size == 5);
}

} // namespace conformance
