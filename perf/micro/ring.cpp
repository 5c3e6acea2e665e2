// Requests that do nothing, one at a time and 64 at a time, against a loop on liburing alone: same queue sizes, same flags,
// same call into the kernel. One iteration is one round: that many requests, one call.

#include <cstdio>
#include <cstdlib>

#include <benchmark/benchmark.h>
#include <liburing.h>

#include "allocations_counted.hpp"

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/task.hpp>

namespace {

auto nothing() {
    return tuyau::operation([](io_uring_sqe& sqe) { io_uring_prep_nop(&sqe); });
}

tuyau::task<> follow(const bool& finished) {
    while (!finished) co_await nothing();
}

/// One of the requests of each round is this coroutine's own, the others are its children's.
tuyau::task<> rounds(benchmark::State& state) {
    bool finished = false;
    tuyau::scope others;
    for (auto left = state.range(0); left > 1; --left) others.spawn(follow(finished));
    co_await nothing();
    {
        const allocations_counted count(state);
        for (auto _ : state) co_await nothing();
    }
    finished = true;
    co_await others.join();
}

void tuyau_requests(benchmark::State& state) {
    tuyau::loop here;
    here.run(rounds(state));
}

class bare_ring {
public:
    bare_ring() {
        const tuyau::ring_options same;
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                           IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        parameters.cq_entries = same.completion_entries;
        if (io_uring_queue_init_params(same.submission_entries, &ring_, &parameters) != 0) {
            std::fputs("the bare ring could not be set up\n", stderr);
            std::exit(1);
        }
        io_uring_register_ring_fd(&ring_);
    }
    bare_ring(const bare_ring&) = delete;
    bare_ring& operator=(const bare_ring&) = delete;
    ~bare_ring() { io_uring_queue_exit(&ring_); }

    void request(void* target) {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_data(sqe, target);
    }

    /// Submits and waits; calls `completed` with each completion's target and result.
    template <class Completed>
    void wait(Completed completed) {
        io_uring_cqe* cqe = nullptr;
        io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, nullptr, nullptr);
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            completed(io_uring_cqe_get_data(cqe), cqe->res);
            ++seen;
        }
        io_uring_cq_advance(&ring_, seen);
    }

private:
    io_uring ring_{};
};

void bare_requests(benchmark::State& state) {
    bare_ring ring;
    const auto at_a_time = state.range(0);
    long completions = 0;
    const auto round = [&] {
        for (auto left = at_a_time; left > 0; --left) ring.request(&completions);
        ring.wait([](void* target, int result) { *static_cast<long*>(target) += 1 + result; });
    };
    round();
    completions = 0;
    const allocations_counted count(state);
    for (auto _ : state) round();
    if (completions != state.iterations() * at_a_time) state.SkipWithError("a round did not complete as a whole");
}

BENCHMARK(tuyau_requests)->Name("requests/tuyau")->Arg(1)->Arg(64);
BENCHMARK(bare_requests)->Name("requests/liburing")->Arg(1)->Arg(64);

} // namespace
