#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>

#include <liburing.h>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/system.hpp>

#include "actor.hpp"
#include "descriptors.hpp"

namespace simulation::programs {

using tuyau::operation;
using tuyau::result;
using tuyau::task;

namespace {

task<> do_nothing(role who) {
    for (auto left = 1 + who.all.next.below(12); left != 0; --left) {
        auto done = co_await operation([](io_uring_sqe& sqe) { io_uring_prep_nop(&sqe); });
        expect(done ? *done == 0 : tuyau::is_cancelled(done.error()), "a nop failed");
        if (!done) co_return;
    }
}

task<> nothing_at_all() {
    auto done = co_await operation([](io_uring_sqe& sqe) { io_uring_prep_nop(&sqe); });
    (void)done;
}

/// More requests than the queues have room for.
task<> flood(role who) {
    tuyau::scope all;
    for (auto left = who.all.next.one_of(20, 5, 70); left != 0; --left) all.spawn(nothing_at_all());
    if (who.all.next.one_in(3)) all.stop();
    if (who.all.next.one_in(4)) co_return;
    co_await all.join();
}

task<> let_time_pass(role who) {
    const auto span = who.all.next.one_of<duration>(0ns, 20us, 3ms, 50ms);
    const instant until = who.all.here.now() + span;
    __kernel_timespec time{0, span.count()};
    auto done = co_await operation([&time](io_uring_sqe& sqe) { io_uring_prep_timeout(&sqe, &time, 0, 0); });
    expect(!done, "a timeout ended well");
    if (done.error().value() == ETIME) expect(who.all.here.now() >= until, "a timeout was too short");
}

task<> wait_for_bytes(int fd) {
    auto ready = co_await operation([fd](io_uring_sqe& sqe) { io_uring_prep_poll_add(&sqe, fd, POLLIN); });
    expect(!ready || (*ready & (POLLIN | POLLHUP)) != 0, "a poll found nothing and ended");
}

task<> write_some(role who, pipe_ends& pipe, conversation& about) {
    direction& said = about.said[0];
    for (auto left = 1 + who.all.next.below(3); left != 0; --left) {
        const std::size_t size = who.all.next.one_of<std::size_t>(1, 20, 500, 3000);
        const std::string bytes = about.text(0, said.attempted, size);
        said.attempted += size;
        auto written = co_await tuyau::write_all(pipe.write_end(), bytes);
        if (!written) {
            pipe.close_write_end();
            co_return;
        }
        said.sure = said.attempted;
        const bool slept = co_await nap(who);
        if (!slept) break;
    }
    said.ended = true;
    pipe.close_write_end();
}

task<result<int>> read_into(int fd, std::span<std::byte> space) { co_return co_await tuyau::read_some(fd, space); }

task<> read_all(role who, pipe_ends& pipe, conversation& about) {
    const direction& said = about.said[0];
    std::uint64_t position = 0;
    std::array<std::byte, 700> memory;
    for (;;) {
        const std::span space(memory.data(), who.all.next.one_of<std::size_t>(700, 1, 64));
        result<int> got;
        if (who.all.next.one_in(3))
            got = co_await tuyau::with_deadline(1ms, read_into(pipe.read_end(), space));
        else
            got = co_await read_into(pipe.read_end(), space);
        if (!got && got.error() == std::errc::timed_out) continue;
        if (!got) co_return;
        const auto size = static_cast<std::size_t>(*got);
        if (size == 0) break;
        expect(about.matches(0, position, {reinterpret_cast<const char*>(memory.data()), size}),
               "wrong bytes in a pipe at {}", position);
        position += size;
        expect(position <= said.attempted, "a pipe gave more than was put into it");
    }
    expect(position >= said.sure && (!said.ended || position == said.sure), "a pipe lost {} bytes",
           said.sure - position);
}

} // namespace

task<> make_request(role who) {
    switch (who.all.next.below(4)) {
    case 0: return do_nothing(who);
    case 1: return flood(who);
    default: return let_time_pass(who);
    }
}

task<> use_pipe(role who) {
    pipe_ends pipe(who.all.here, who.all.next.one_of<std::size_t>(65536, 1, 100));
    conversation about;
    about.number = 1000 + who.all.next.below(256);
    tuyau::scope both;
    if (who.all.next.one_in(3)) both.spawn(wait_for_bytes(pipe.read_end()));
    both.spawn(read_all(who, pipe, about));
    both.spawn(write_some(who, pipe, about));
    if (who.all.next.one_in(4)) {
        const bool slept = co_await nap(who);
        (void)slept;
        co_return;
    }
    co_await both.join();
}

} // namespace simulation::programs
