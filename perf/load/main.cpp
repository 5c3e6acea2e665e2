// Loads a server on this machine and prints, as one JSON object, what was seen: `load --help`. Times are in microseconds,
// CPU times in nanoseconds.

#include <chrono>
#include <cstdio>
#include <optional>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "generator.hpp"
#include "options.hpp"
#include "slow_clients.hpp"

namespace {

constexpr int failed = 1;
constexpr int longest_hold = 600'000; // milliseconds

double microseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; }

void print(const load::measurement& seen, std::uint64_t answered) {
    const auto percentile = [&seen](double share) { return microseconds(seen.latency.percentile(share)); };
    fmt::print(
        "{{\"requests\": {}, \"seconds\": {:.6f}, \"errors\": {}, \"unfinished\": {}, \"opened\": {}, "
        "\"answered\": {}, \"bytes_sent\": {}, \"bytes_received\": {}, \"server_cpu\": {}, \"own_cpu\": {}, "
        "\"latency\": {{\"p50\": {:.3f}, \"p90\": {:.3f}, \"p99\": {:.3f}, \"p99.9\": {:.3f}, \"max\": {:.3f}}}}}\n",
        seen.requests, std::chrono::duration<double>(seen.time).count(), seen.errors, seen.unfinished, seen.opened,
        answered, seen.bytes_sent, seen.bytes_received, seen.watched.count(), seen.own.count(), percentile(0.5),
        percentile(0.9), percentile(0.99), percentile(0.999), microseconds(seen.latency.most()));
    std::fflush(stdout);
}

void allow_many_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void wait_for_end_of_input() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    poll(&input, 1, longest_hold);
}

} // namespace

int main(int argc, char** argv) {
    int exit_code = 0;
    const auto chosen = load::read_options(argc, argv, exit_code);
    if (!chosen) return exit_code;
    allow_many_descriptors();
    load::generator generator(*chosen);
    std::optional<load::slow_clients> slow;
    if (chosen->slow > 0) slow.emplace(chosen->port, chosen->slow);
    if (slow && !slow->all_began()) {
        std::fprintf(stderr, "load: the server did not take every slow connection\n");
        return failed;
    }
    if (!generator.open()) {
        std::fprintf(stderr, "load: the server did not answer every connection's first request\n");
        return failed;
    }
    generator.warm_up();
    const load::measurement seen = generator.measure();
    print(seen, generator.answered());
    if (seen.errors > 0)
        fmt::print(stderr, "load: {} connections were broken off or had a wrong answer\n", seen.errors);
    if (chosen->hold) wait_for_end_of_input();
    return seen.errors == 0 ? 0 : failed;
}
