#include <tuyau/runtime/operation.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>

using tests::descriptor_pair;
using tests::loose;
using tests::nop;
using tuyau::loop;
using tuyau::result;
using tuyau::task;

namespace {

/// Reads into memory of its own frame, which the kernel must not touch once the frame is gone.
task<> read_into_frame(int fd, std::optional<result<int>>& outcome) {
    std::array<std::byte, 512> space{};
    outcome = co_await tuyau::read_some(fd, space);
}

auto send_without_copy(int fd, std::string_view bytes) {
    return tuyau::operation(
        [fd, bytes](io_uring_sqe& sqe) { io_uring_prep_send_zc(&sqe, fd, bytes.data(), bytes.size(), 0, 0); });
}

/// A request that is not finished until it was made `left` more times.
class repeated final : public tuyau::operation_base {
public:
    repeated(int fd, int& made, int left) noexcept : fd_(fd), made_(made), left_(left) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle)) return false;
        submit();
        return true;
    }
    int await_resume() const noexcept { return outcome(); }

private:
    void submit() override {
        ++made_;
        io_uring_sqe& sqe = loop::current().requests().prepare(*this);
        if (fd_ < 0)
            io_uring_prep_nop(&sqe);
        else
            io_uring_prep_poll_add(&sqe, fd_, POLLIN);
        submitted();
    }
    bool unfinished(int) noexcept override { return left_-- > 0; }

    int fd_;
    int& made_;
    int left_;
};

} // namespace

TEST_CASE("an awaited operation gives the kernel's result") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    tests::write_now(pipe.second(), "abc");
    std::array<std::byte, 8> space{};
    auto read = [](int fd, std::span<std::byte> into) -> task<result<int>> {
        co_return co_await tuyau::read_some(fd, into);
    };
    CHECK(here.run(read(pipe.first(), space)).value() == 3);
    CHECK(space[0] == std::byte{'a'});
    CHECK(here.requests().in_flight() == 0);
}

TEST_CASE("a request that fails gives its error as a value") {
    loop here;
    std::array<std::byte, 8> space{};
    auto read = [](std::span<std::byte> into) -> task<result<int>> { co_return co_await tuyau::read_some(-1, into); };
    auto failed = here.run(read(space));
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == std::error_code(EBADF, std::system_category()));
}

TEST_CASE("an operation makes no request until it is awaited") {
    loop here;
    bool prepared = false;
    here.run([](bool& flag) -> task<> {
        auto request = tuyau::operation([&flag](io_uring_sqe& sqe) {
            flag = true;
            io_uring_prep_nop(&sqe);
        });
        auto& ring = loop::current().requests();
        CHECK(ring.in_flight() == 0);
        CHECK_FALSE(flag);
        auto done = co_await std::move(request);
        CHECK(done);
        CHECK(flag);
    }(prepared));
}

TEST_CASE("a coroutine destroyed with a request in flight takes it back first: nothing is written to its frame") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    std::optional<result<int>> outcome;
    here.run([](loop& on, int fd, std::optional<result<int>>& to) -> task<> {
        auto reader = loose::start(read_into_frame(fd, to));
        auto done = co_await nop(); // the read is with the kernel now
        CHECK(done);
        CHECK(on.requests().in_flight() == 1);
        reader.destroy();
        CHECK(on.requests().in_flight() == 0);
    }(here, pipe.first(), outcome));
    CHECK_FALSE(outcome);
    tests::write_now(pipe.second(), "still here"); // into the pipe, not into the frame
    CHECK(tests::read_now(pipe.first(), 10) == "still here");
}

TEST_CASE("a coroutine may be destroyed before its request is submitted, and after it completed") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    here.run([](loop& on, int fd, int to) -> task<> {
        std::optional<result<int>> outcome;
        on.requests().poll(); // what the loop itself has prepared
        {
            auto unsubmitted = loose::start(read_into_frame(fd, outcome));
            CHECK(on.requests().prepared() == 1);
        }
        CHECK(on.requests().in_flight() == 0);
        auto completed = loose::start(read_into_frame(fd, outcome));
        tests::write_now(to, "x");
        on.wait_until([&] { return on.requests().in_flight() == 0; }); // it is ready, but has not run
        completed.destroy();
        CHECK_FALSE(outcome);
        co_return;
    }(here, pipe.first(), pipe.second()));
}

TEST_CASE("a hundred coroutines are destroyed in flight although the submission queue holds eight requests") {
    loop here({.ring = {.submission_entries = 8}, .buffers = {}});
    auto pipe = descriptor_pair::pipe();
    here.run([](loop& on, int fd) -> task<> {
        std::vector<std::optional<result<int>>> outcomes(100);
        std::vector<loose> readers;
        for (auto& each : outcomes) readers.push_back(loose::start(read_into_frame(fd, each)));
        CHECK(on.requests().in_flight() == 100);
        readers.clear();
        CHECK(on.requests().in_flight() == 0);
        co_return;
    }(here, pipe.first()));
}

TEST_CASE("a stop ends a request in flight, which says that it was cancelled") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    std::optional<result<int>> outcome;
    here.run([](loop& on, int fd, std::optional<result<int>>& to) -> task<> {
        tuyau::scope readers;
        readers.spawn(read_into_frame(fd, to));
        auto done = co_await nop();
        CHECK(done);
        readers.stop();
        readers.stop();
        co_await readers.join();
        CHECK(on.requests().in_flight() == 0);
    }(here, pipe.first(), outcome));
    REQUIRE(outcome);
    REQUIRE_FALSE(*outcome);
    CHECK(tuyau::is_cancelled(outcome->error()));
}

TEST_CASE("a stop that comes before the request keeps it from being made") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    tests::write_now(pipe.second(), "untouched");
    std::optional<result<int>> outcome;
    here.run([](loop& on, int fd, std::optional<result<int>>& to) -> task<> {
        tuyau::scope readers;
        readers.stop();
        readers.spawn(read_into_frame(fd, to));
        CHECK(on.requests().in_flight() == 0);
        CHECK(readers.empty());
        co_return;
    }(here, pipe.first(), outcome));
    REQUIRE(outcome);
    CHECK(tuyau::is_cancelled(outcome->error()));
    CHECK(tests::read_now(pipe.first(), 9) == "untouched");
}

TEST_CASE("what arrives in the race with a stop is delivered or left where it was, never lost") {
    loop here;
    for (int when = 0; when < 4; ++when) {
        auto pipe = descriptor_pair::pipe();
        std::optional<result<int>> outcome;
        here.run([](int fd, int to, std::optional<result<int>>& out, int order) -> task<> {
            tuyau::scope readers;
            readers.spawn(read_into_frame(fd, out));
            if (order % 2 == 0) co_await nop();
            if (order < 2) tests::write_now(to, "data");
            readers.stop();
            if (order >= 2) tests::write_now(to, "data");
            co_await readers.join();
        }(pipe.first(), pipe.second(), outcome, when));
        REQUIRE(outcome);
        if (*outcome) {
            CHECK(**outcome == 4);
        } else {
            CHECK(tuyau::is_cancelled(outcome->error()));
            CHECK(tests::read_now(pipe.first(), 4) == "data");
        }
    }
}

TEST_CASE("a completion that is there before the stop is delivered") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    std::optional<result<int>> outcome;
    here.run([](loop& on, int fd, int to, std::optional<result<int>>& out) -> task<> {
        tuyau::scope readers;
        readers.spawn(read_into_frame(fd, out));
        tests::write_now(to, "data");
        on.wait_until([&] { return on.requests().in_flight() == 0; });
        readers.stop();
        co_await readers.join();
    }(here, pipe.first(), pipe.second(), outcome));
    REQUIRE(outcome);
    REQUIRE(*outcome);
    CHECK(**outcome == 4);
}

TEST_CASE("an unfinished request is made again without its coroutine, until it is stopped") {
    loop here;
    int made = 0;
    here.run([](int& count) -> task<> {
        const int outcome = co_await repeated(-1, count, 4);
        CHECK(outcome == 0);
        CHECK(count == 5);
    }(made));

    auto pipe = descriptor_pair::pipe();
    made = 0;
    int last = 0;
    here.run([](int fd, int& count, int& outcome) -> task<> {
        tuyau::scope all;
        all.spawn([](int waited, int& times, int& out) -> task<> {
            out = co_await repeated(waited, times, 1000);
        }(fd, count, outcome));
        co_await nop();
        all.stop();
        co_await all.join();
    }(pipe.first(), made, last));
    CHECK(made == 1);
    CHECK(last == -ECANCELED);
}

TEST_CASE("an unfinished request whose coroutine is destroyed is not made again") {
    loop here;
    auto pipe = descriptor_pair::pipe();
    int made = 0;
    int last = 0;
    here.run([](loop& on, int fd, int& count, int& outcome) -> task<> {
        auto waiting = loose::start([](int waited, int& times, int& out) -> task<> {
            out = co_await repeated(waited, times, 1000);
        }(fd, count, outcome));
        co_await nop();
        waiting.destroy();
        CHECK(on.requests().in_flight() == 0);
    }(here, pipe.first(), made, last));
    CHECK(made == 1);
}

TEST_CASE("a loop may be destroyed before the coroutines on it, with requests in flight that are not finished") {
    auto pipe = descriptor_pair::pipe();
    int made = 0;
    int last = 0;
    std::optional<result<int>> outcome;
    tuyau::scope outlives;
    {
        loop here;
        here.run([](tuyau::scope& all, int fd, int& count, int& out, std::optional<result<int>>& read) -> task<> {
            all.spawn([](int waited, int& times, int& to) -> task<> {
                to = co_await repeated(waited, times, 1000);
            }(fd, count, out));
            all.spawn(read_into_frame(fd, read));
            co_await nop();
        }(outlives, pipe.first(), made, last, outcome));
        CHECK(outlives.size() == 2);
    }
    CHECK(made == 1);
    CHECK(outlives.size() == 2);
    CHECK_FALSE(outcome);
    tests::write_now(pipe.second(), "still here");
    CHECK(tests::read_now(pipe.first(), 10) == "still here");
}

TEST_CASE("operations work without any one feature of the kernel, and without all") {
    for (const tuyau::feature_set without : tests::every_way()) {
        loop here({.ring = {.without = without}, .buffers = {}});
        auto pipe = descriptor_pair::pipe();
        std::optional<result<int>> stopped;
        std::optional<result<int>> destroyed;
        std::optional<result<int>> read;
        here.run([](int fd, int to, std::optional<result<int>>& one, std::optional<result<int>>& two,
                    std::optional<result<int>>& three) -> task<> {
            tuyau::scope readers;
            readers.spawn(read_into_frame(fd, one));
            {
                auto gone = loose::start(read_into_frame(fd, two));
                co_await nop();
            }
            readers.stop();
            co_await readers.join();
            tuyau::scope more;
            more.spawn(read_into_frame(fd, three));
            co_await tuyau::sleep_for(std::chrono::milliseconds(1));
            tests::write_now(to, "data");
            co_await more.join();
        }(pipe.first(), pipe.second(), stopped, destroyed, read));
        CHECK(tuyau::is_cancelled(stopped->error()));
        CHECK_FALSE(destroyed);
        CHECK(read->value() == 4);
    }
}

TEST_CASE("a zero-copy send has ended when the kernel reads its bytes no more, and its value is how much was sent") {
    loop here;
    auto ends = descriptor_pair::tcp();
    std::string bytes(10'000, 'a');
    here.run([](loop& on, int fd, std::string& from) -> task<> {
        auto sent = co_await send_without_copy(fd, from);
        CHECK(sent.value() == static_cast<int>(from.size()));
        CHECK(on.requests().in_flight() == 0);
        from.assign(from.size(), 'b'); // nobody reads it any more
    }(here, ends.first(), bytes));
    CHECK(tests::read_now(ends.second(), 10'000) == std::string(10'000, 'a'));
}

TEST_CASE("a zero-copy send that fails says so once the kernel has let go of its bytes") {
    loop here;
    auto ends = descriptor_pair::pipe();
    here.run([](loop& on, int fd) -> task<> {
        auto sent = co_await send_without_copy(fd, "no socket");
        REQUIRE_FALSE(sent);
        CHECK(sent.error() == std::error_code(ENOTSOCK, std::system_category()));
        CHECK(on.requests().in_flight() == 0);
    }(here, ends.second()));
}

TEST_CASE("a coroutine destroyed in a zero-copy send waits until the kernel reads its bytes no more") {
    loop here;
    auto ends = descriptor_pair::tcp();
    here.run([](loop& on, int fd) -> task<> {
        auto sender = loose::start([](int to) -> task<> {
            const std::string bytes(10'000, 'a');
            auto sent = co_await send_without_copy(to, bytes);
            CHECK(sent);
        }(fd));
        auto done = co_await nop(); // the send is with the kernel now
        CHECK(done);
        sender.destroy();
        CHECK(on.requests().in_flight() == 0);
    }(here, ends.first()));
}

TEST_CASE("a multishot request is refused by an operation at its second completion") {
    CHECK(tests::broken_contract_of([] {
              loop here;
              auto pipe = descriptor_pair::pipe();
              here.run([](descriptor_pair& ends) -> task<> {
                  auto waiting = loose::start([](int fd) -> task<> {
                      auto first = co_await tuyau::operation(
                          [fd](io_uring_sqe& sqe) { io_uring_prep_poll_multishot(&sqe, fd, POLLIN); });
                      CHECK_FALSE(first.has_value());
                  }(ends.first()));
                  for (int round = 0; round < 1000; ++round) {
                      tests::write_now(ends.second(), "x");
                      auto done = co_await nop();
                      CHECK(done);
                  }
              }(pipe));
          }) == "a multishot request was given to an operation, which has one result");
}
