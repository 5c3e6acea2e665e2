// Signals that are received as input: signalfd(2).

#include "ground.hpp"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/signalfd.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/system.hpp>

namespace conformance {
namespace {

constexpr std::uint64_t set_of(int number) { return std::uint64_t{1} << (number - 1); }

auto read_into(int fd, signalfd_siginfo& told) {
    return [fd, &told](io_uring_sqe* sqe) { io_uring_prep_read(sqe, fd, &told, sizeof told, 0); };
}

class with_signals : public ground {
public:
    with_signals() : fd_(own(tuyau::system::open_signals(set_of(SIGUSR1) | set_of(SIGUSR2), &before_))) {}
    with_signals(const with_signals&) = delete;
    with_signals& operator=(const with_signals&) = delete;
    ~with_signals() { tuyau::system::restore_signal_mask(before_); }

protected:
    int signals() const noexcept { return fd_; }

    /// The next one, which must have come.
    int received() {
        signalfd_siginfo told{};
        CHECK(ring().result_of(read_into(fd_, told)) == static_cast<int>(sizeof told));
        return static_cast<int>(told.ssi_signo);
    }

    bool has_come() {
        const auto polling = ring().start([this](io_uring_sqe* sqe) { io_uring_prep_poll_add(sqe, fd_, POLLIN); });
        if (!ring().is_quiet(polling)) return ring().next(polling).result == POLLIN;
        ring().cancel_all();
        return false;
    }

private:
    std::uint64_t before_ = 0;
    int fd_;
};

} // namespace

TEST_CASE_METHOD(with_signals, "a read for a signal waits until one is sent") {
    signalfd_siginfo told{};
    const auto reading = ring().start(read_into(signals(), told));
    CHECK(ring().is_quiet());
    here().send_signal(SIGUSR2);
    CHECK(ring().next(reading).result == static_cast<int>(sizeof told));
    CHECK(told.ssi_signo == SIGUSR2);
    CHECK_FALSE(has_come());
}

TEST_CASE_METHOD(with_signals, "a signal that is sent again before it was read is one, and the lower number comes first") {
    CHECK_FALSE(has_come());
    for (const int each : {SIGUSR2, SIGUSR1, SIGUSR2, SIGUSR1}) here().send_signal(each);
    CHECK(has_come());
    CHECK(received() == SIGUSR1);
    CHECK(received() == SIGUSR2);
    CHECK_FALSE(has_come());
    here().send_signal(SIGUSR1);
    CHECK(received() == SIGUSR1);
}

TEST_CASE_METHOD(with_signals, "a signal is not read into less space than it needs") {
    char little = 0;
    here().send_signal(SIGUSR1);
    CHECK(ring().result_of([&](io_uring_sqe* sqe) { io_uring_prep_read(sqe, signals(), &little, 1, 0); }) == -EINVAL);
    CHECK(received() == SIGUSR1);
}

} // namespace conformance
