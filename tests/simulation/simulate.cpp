// Runs scenarios in simulated kernels, seed after seed.

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <new>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "kernel/kernel.hpp"
#include "kernel/memory.hpp"
#include "scenario.hpp"

#ifdef SIMULATION_SEES_MEMORY
/// The runtime's stock of frames is forbidden memory, and linked by pointers within itself.
extern "C" const char* __lsan_default_options() { return "use_poisoned=1"; }
#endif

namespace {

using namespace simulation;

using real_clock = std::chrono::system_clock; // the other one is the simulated kernels'

// How a worker ends, besides with a violation.
constexpr int runs_differ_code = 71;
constexpr int leak_code = 72;

constexpr std::uint64_t seeds_between_leak_checks = 50; // one takes as long as some runs

struct orders {
    std::vector<scenario> scenarios;
    bool all_scenarios = true;
    std::uint64_t first = 1;
    std::uint64_t count = 1;
    std::optional<real_clock::time_point> until; ///< no new seed after that
    unsigned jobs = 1;
    bool show = false;
    bool twice = false;
    bool leaks = false; ///< looked for after each seed
    bool until_failure = false;
    bool keep_output = false;
    std::string program;
};

/// What a worker tells about itself, in memory that it shares with the one that watches over it.
struct progress {
    std::atomic<std::uint64_t> seed;      ///< that it is at
    std::atomic<std::uint64_t> unchecked; ///< the first since it last looked for leaks
    std::atomic<std::uint64_t> done;
    std::atomic<bool> stop; ///< no further seed
    std::array<std::atomic<std::uint64_t>, fault_kinds> faults;
};

struct sum {
    std::uint64_t trace;
    instant end;
};

const scenario& scenario_of(const orders& asked, std::uint64_t seed) {
    return asked.scenarios[seed % asked.scenarios.size()];
}

std::string replay_command(const orders& asked, std::uint64_t seed) {
    return fmt::format("{} --scenario {} --seed {} --show", asked.program, scenario_of(asked, seed).name, seed);
}

/// Finds which of these seeds it was.
std::string leak_command(const orders& asked, std::uint64_t first, std::uint64_t last) {
    std::string names;
    if (!asked.all_scenarios)
        for (const scenario& each : asked.scenarios) names += fmt::format(" --scenario {}", each.name);
    return fmt::format("{}{} --first {} --count {} --leaks", asked.program, names, first, last - first + 1);
}

sum run_once(const orders& asked, std::uint64_t seed, fault_counts& counts) {
    kernel here(seed);
    if (asked.show) here.record().show_on(kernel::report());
    here.set_replay(replay_command(asked, seed));
    scenario_of(asked, seed).run(here);
    here.weather().calm();
    here.require_clean_end();
    counts = here.weather().counts();
    return {here.record().sum(), here.now()};
}

/// Ends the process if a run takes more of the processor than any should: it goes round and round. Or far more time, on
/// however busy a machine: it stands still.
class watchdog {
public:
    watchdog() {
        set_processor_limit(60);
        ::alarm(1200);
    }
    ~watchdog() {
        set_processor_limit(0);
        ::alarm(0);
    }

private:
    static void set_processor_limit(time_t seconds) {
        const itimerval limit{{0, 0}, {seconds, 0}};
        ::setitimer(ITIMER_PROF, &limit, nullptr);
    }
};

void run_seed(const orders& asked, std::uint64_t seed, progress& told) {
    const watchdog limit;
    fault_counts counts{};
    const sum first = run_once(asked, seed, counts);
    if (asked.twice) {
        const sum second = run_once(asked, seed, counts);
        if (first.trace != second.trace || first.end != second.end) {
            fmt::print(kernel::report(), "seed {}: two runs of {} differ\n", seed, scenario_of(asked, seed).name);
            std::fflush(kernel::report());
            std::_Exit(runs_differ_code);
        }
    }
    for (std::size_t kind = 0; kind < fault_kinds; ++kind) told.faults[kind] += counts[kind];
    ++told.done;
}

void look_for_leaks(const orders& asked, progress& told) {
    if (memory::has_leaked()) {
        fmt::print(kernel::report(), "seed {}: it has leaked, or one of those before it from {} on\n", told.seed.load(),
                   told.unchecked.load());
        std::fflush(kernel::report());
        std::_Exit(leak_code);
    }
    told.unchecked = told.seed + asked.jobs;
}

/// The part of the seeds that falls to one worker, from `from` on.
void work(const orders& asked, std::uint64_t from, progress& told) {
    if (!asked.keep_output) {
        const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        ::dup2(nowhere, STDOUT_FILENO);
        ::dup2(nowhere, STDERR_FILENO);
#ifdef SIMULATION_SEES_MEMORY
        __sanitizer_set_report_fd(reinterpret_cast<void*>(static_cast<std::intptr_t>(::fileno(kernel::report()))));
#endif
    }
    told.unchecked = from;
    std::uint64_t count = 0;
    for (std::uint64_t seed = from; seed < asked.first + asked.count; seed += asked.jobs) {
        if (told.stop || (asked.until && real_clock::now() > *asked.until)) break;
        told.seed = seed;
        run_seed(asked, seed, told);
        ++count;
        if (asked.leaks || count % seeds_between_leak_checks == 0) look_for_leaks(asked, told);
    }
    if (count != 0) look_for_leaks(asked, told);
}

pid_t start_worker(const orders& asked, std::uint64_t from, progress& told) {
    std::fflush(nullptr);
    const pid_t id = ::fork();
    if (id < 0) throw std::system_error(errno, std::system_category(), "cannot start a process for the seeds");
    if (id != 0) return id;
    work(asked, from, told);
    std::fflush(nullptr);
    std::_Exit(EXIT_SUCCESS); // what is left has been looked at
}

/// What came of some seeds.
struct tally {
    std::uint64_t done = 0;
    fault_counts faults{};
    std::vector<std::uint64_t> failed;
    bool is_cut_short = false; ///< some were not begun: too many failed before
};

void add(tally& to, const progress& part) {
    to.done += part.done;
    for (std::size_t kind = 0; kind < fault_kinds; ++kind) to.faults[kind] += part.faults[kind];
}

// Of all scenarios: the rarest kind of fault, a full disk, strikes once in some 250 of these.
constexpr std::uint64_t enough_for_each_fault = 20'000;

int report(const orders& asked, const tally& all, real_clock::time_point began) {
    const std::chrono::duration<double> spent = real_clock::now() - began;
    std::FILE* const out = kernel::report();
    fmt::print(out, "{} runs in {:.1f} s{}\n", all.done, spent.count(), memory::is_seen ? ", memory watched" : "");
    for (std::size_t kind = 0; kind < fault_kinds; ++kind)
        fmt::print(out, "{:>14}  {}\n", all.faults[kind], fault_names[kind]);
    bool each_has_struck = true;
    for (std::size_t kind = 0; kind < fault_kinds && asked.all_scenarios && all.done >= enough_for_each_fault; ++kind) {
        if (all.faults[kind] != 0) continue;
        each_has_struck = false;
        fmt::print(out, "in so many runs it never came to this fault: {}\n", fault_names[kind]);
    }
    if (all.failed.empty()) return each_has_struck ? EXIT_SUCCESS : EXIT_FAILURE;
    fmt::print(out, "failed: {} of them, with the seeds", all.failed.size());
    for (const std::uint64_t seed : all.failed) fmt::print(out, " {}", seed);
    fmt::print(out, "{}\n", all.is_cut_short ? "; so no more were begun" : "");
    return EXIT_FAILURE;
}

/// Runs the seeds in processes of their own, and tells of each that fails how it is run again. Adds to `seen`.
void run_in_workers(const orders& asked, tally& seen) {
    constexpr std::size_t most_failures = 20;
    const std::size_t size = sizeof(progress) * asked.jobs;
    void* shared = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::system_error(errno, std::system_category(), "cannot share memory");
    auto* all = static_cast<progress*>(shared);
    for (unsigned part = 0; part < asked.jobs; ++part) new (all + part) progress{};

    std::vector<pid_t> workers;
    for (unsigned part = 0; part < asked.jobs; ++part)
        workers.push_back(start_worker(asked, asked.first + part, all[part]));
    std::size_t running = workers.size();
    while (running != 0) {
        int status = 0;
        const pid_t ended = ::wait(&status);
        const auto place = std::find(workers.begin(), workers.end(), ended);
        if (place == workers.end()) continue;
        --running;
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) continue;
        const auto part = static_cast<unsigned>(place - workers.begin());
        const std::uint64_t seed = all[part].seed;
        if (WIFSIGNALED(status)) fmt::print(kernel::report(), "seed {}: ended by signal {}\n", seed, WTERMSIG(status));
        const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        if (code != kernel::violation_code) // which tells that itself
            fmt::print(kernel::report(), "replay with: {}{}\n",
                       code == leak_code ? leak_command(asked, all[part].unchecked, seed) : replay_command(asked, seed),
                       code == runs_differ_code ? " --twice" : "");
        std::fflush(kernel::report());
        seen.failed.push_back(seed);
        if (asked.until_failure)
            for (unsigned other = 0; other < asked.jobs; ++other) all[other].stop = true;
        seen.is_cut_short = asked.until_failure || seen.failed.size() >= most_failures;
        if (seen.is_cut_short) continue;
        *place = start_worker(asked, seed + asked.jobs, all[part]);
        ++running;
    }
    for (unsigned part = 0; part < asked.jobs; ++part) add(seen, all[part]);
    ::munmap(shared, size);
}

struct kept_seed {
    scenario found_by;
    std::uint64_t seed;
};

/// Each line `scenario seed what it found` of a file; a line that begins with # is for people.
std::vector<kept_seed> read_kept(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(fmt::format("cannot read {}", path));
    const auto scenarios = all_scenarios();
    std::vector<kept_seed> all;
    std::string line;
    for (unsigned number = 1; std::getline(file, line); ++number) {
        if (line.empty() || line.front() == '#') continue;
        std::istringstream words(line);
        std::string name;
        std::uint64_t seed = 0;
        if (!(words >> name >> seed))
            throw std::runtime_error(fmt::format("{}:{}: no scenario and seed: {}", path, number, line));
        const auto place =
            std::find_if(scenarios.begin(), scenarios.end(), [&](const scenario& each) { return each.name == name; });
        if (place == scenarios.end())
            throw std::runtime_error(fmt::format("{}:{}: there is no scenario '{}'", path, number, name));
        all.push_back({*place, seed});
    }
    return all;
}

void run_kept(orders asked, const std::string& path, tally& all) {
    asked.jobs = 1;
    asked.count = 1;
    asked.all_scenarios = false;
    for (const kept_seed& each : read_kept(path)) {
        asked.scenarios = {each.found_by};
        asked.first = each.seed;
        run_in_workers(asked, all);
    }
}

/// In this process, for a debugger.
void run_here(orders asked, std::uint64_t seed, tally& all) {
    asked.jobs = 1;
    asked.count = 1;
    asked.first = seed;
    progress told{};
    work(asked, seed, told);
    add(all, told);
}

} // namespace

int main(int count, char** arguments) {
    orders asked;
    asked.program = arguments[0];
    asked.jobs = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::string> names;
    std::uint64_t seed = 0;
    CLI::App parser("Runs programs in simulated kernels, one a seed.");
    std::vector<std::string> known;
    for (const scenario& each : all_scenarios()) known.emplace_back(each.name);
    parser.add_option("--scenario", names, "Only this one; may be given several times")->check(CLI::IsMember(known));
    parser.add_option("--first", asked.first, "The first seed")->capture_default_str();
    parser.add_option("--count", asked.count, "How many seeds")->capture_default_str();
    std::optional<double> seconds;
    parser.add_option("--seconds", seconds, "Begin no new one after so many seconds");
    parser.add_option("--jobs", asked.jobs, "How many at a time")->capture_default_str();
    std::string kept;
    parser.add_option("--kept", kept, "The seeds that are named in this file");
    auto* one = parser.add_option("--seed", seed, "This seed alone, in this process");
    parser.add_flag("--show", asked.show, "Print what passes between the program and the kernel, and what it prints");
    parser.add_flag("--until-failure", asked.until_failure, "Begin no new one after the first that fails");
    parser.add_flag("--twice", asked.twice, "Run each seed twice, and compare");
    parser.add_flag("--leaks", asked.leaks, "Look for leaked memory after each seed, not after some");
    CLI11_PARSE(parser, count, arguments);
    for (const scenario& each : all_scenarios())
        if (names.empty() || std::find(names.begin(), names.end(), each.name) != names.end())
            asked.scenarios.push_back(each);
    asked.all_scenarios = names.empty();
    if (seconds)
        asked.until = real_clock::now() +
                      std::chrono::duration_cast<real_clock::duration>(std::chrono::duration<double>(*seconds));
    if (asked.show) asked.keep_output = true;
    kernel::report(); // while standard error is what it was
    const auto began = real_clock::now();
    try {
        tally all;
        if (!kept.empty())
            run_kept(asked, kept, all);
        else if (one->count() != 0)
            run_here(asked, seed, all);
        else
            run_in_workers(asked, all);
        return report(asked, all, began);
    } catch (const std::exception& error) {
        fmt::print(kernel::report(), "simulate: {}\n", error.what());
        return EXIT_FAILURE;
    }
}
