#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "faults.hpp"
#include "file.hpp"
#include "files.hpp"
#include "random.hpp"
#include "tcp.hpp"
#include "timeline.hpp"
#include "trace.hpp"

namespace simulation {

class simulated_ring;

/// What a kernel may not have: see the runtime's features.
enum class missing : unsigned char {
    deferred_taskrun,
    cooperative_taskrun,
    registered_ring,
    buffer_ring,
    multishot_receive,
    multishot_accept,
    message_ring,
    minimum_wait,
};

/// What a thread with a ring sleeps for.
struct wait_for_completions {
    unsigned count = 0;
    std::optional<instant> until;
    std::optional<instant> one_from; ///< from then on one is enough
};

/// A Linux for one run of a program: descriptors, a network, a clock, and io_uring. All of it is decided by the seed.
///
/// One at a time is the current one. Its threads take turns: while one of those that have a ring runs, the others sleep in
/// their calls; time passes only when all of them sleep, and then at once.
class kernel {
public:
    explicit kernel(std::uint64_t seed);
    kernel(const kernel&) = delete;
    kernel& operator=(const kernel&) = delete;
    ~kernel();

    /// The one there is; the program ends with a message if there is none.
    static kernel& current();
    static kernel* current_or_null() noexcept { return current_; }

    std::uint64_t seed() const noexcept { return seed_; }

    /// In these runs things are tighter than in the others: threads run late, and programs have the smallest queues. By the
    /// seed itself and not by chance, so that the other seeds stay what they were: see seeds.txt. Of each scenario some.
    bool is_tight() const noexcept { return seed_ / 7 % 6 == 4; }

    /// From a thread's wake-up until it runs.
    duration most_lateness() const noexcept { return is_tight() ? duration(2ms) : duration(20us); }
    random_source& random() noexcept { return random_; }
    timeline& time() noexcept { return time_; }
    instant now() const noexcept { return time_.now(); }
    network& net() noexcept { return network_; }
    trace& record() noexcept { return trace_; }
    faults& weather() noexcept { return faults_; }

    bool strikes(fault kind) noexcept {
        const bool now = faults_.strikes(kind);
        if (now) tell(kind);
        return now;
    }
    void count(fault kind) noexcept {
        faults_.count(kind);
        tell(kind);
    }
    /// Drawn once, when the kernel is made.
    bool lacks(missing what) const noexcept { return ((lacking_ >> static_cast<unsigned>(what)) & 1) != 0; }
    void set_lacking(missing what) noexcept { lacking_ |= 1u << static_cast<unsigned>(what); }

    /// Lacks nothing.
    void set_complete() noexcept {
        lacking_ = 0;
        lockable_entries_ = ~std::size_t{0};
    }

    /// Whether locked memory has room for so many entries of a ring or a group of buffers.
    bool can_lock(std::size_t entries) noexcept {
        if (entries <= lockable_entries_) return true;
        count(fault::short_of_locked_memory);
        return false;
    }

    double probability(fault kind) const noexcept { return faults_.probability(kind); }

    duration random_delay(duration most) noexcept {
        return duration(static_cast<duration::rep>(random_.below(static_cast<std::uint64_t>(most.count()) + 1)));
    }

    // Descriptors. Numbers are never given twice, so that every use of a closed one shows.
    int open(std::shared_ptr<file> what);
    int open_at(int fd, std::shared_ptr<file> what);
    std::shared_ptr<file> find(int fd) const;
    template <class File>
    std::shared_ptr<File> find_as(int fd) const {
        return std::dynamic_pointer_cast<File>(find(fd));
    }
    int close(int fd);

    /// For tests whose own way it is to close what is in use: a real kernel does not mind.
    void allow_closing_in_use() noexcept { closing_in_use_ = true; }
    bool is_closed(int fd) const noexcept { return fd >= first_descriptor && fd < next_descriptor_ && !find(fd); }
    std::size_t open_descriptors() const noexcept { return descriptors_.size(); }
    std::size_t descriptor_limit() const noexcept { return descriptor_limit_; }
    void set_descriptor_limit(std::size_t limit) noexcept { descriptor_limit_ = limit; }

    /// Why none can be opened now, as a negative errno; 0 if one can.
    int lack_of_descriptors() noexcept;
    bool has_room_for_descriptor() const noexcept { return descriptors_.size() < descriptor_limit_; }

    /// A standard stream of the program: what it reads is put into `input`, what it writes is taken from `output`.
    std::shared_ptr<pipe_buffer> open_input(int fd);
    std::shared_ptr<pipe_buffer> open_output(int fd);

    /// Regular files by their paths.
    std::map<std::string, std::shared_ptr<std::string>>& disk() noexcept { return disk_; }
    bool is_folder(const std::string& path) const;

    /// What is in a file has been changed just now.
    void touch(const std::string& content) noexcept { changes_[&content] = now(); }
    std::optional<instant> last_change(const std::string& content) const {
        const auto place = changes_.find(&content);
        return place == changes_.end() ? std::nullopt : std::optional(place->second);
    }

    /// The variables of the environment that the program sees.
    std::map<std::string, std::string, std::less<>>& environment() noexcept { return environment_; }

    /// Delivers a signal to whoever receives it through a descriptor.
    void signal(int number);

    /// How many different receive buffers have been lent.
    std::size_t buffers_seen() const noexcept { return buffers_seen_; }
    void see_buffers(std::size_t count) noexcept { buffers_seen_ = std::max(buffers_seen_, count); }

    /// How many of those lent are in the program's hands.
    std::size_t buffers_away() const;

    // Rings.
    void add(simulated_ring& ring);
    void remove(simulated_ring& ring);
    simulated_ring* ring_with(int descriptor) const noexcept;
    const std::vector<simulated_ring*>& rings() const noexcept { return rings_; }
    int next_ring_number() noexcept { return next_ring_number_++; }
    void look_again(const file::waiting_request& who);

    /// Sleeps until `ring` has what is awaited, or no time is left. On the ring's thread.
    void sleep(simulated_ring& ring, const wait_for_completions& awaited);

    /// Time does not pass before so many threads have made their rings.
    void expect_threads(std::size_t count) noexcept { expected_threads_ = count; }

    /// Threads take turns: who runs may take as long as it likes before the next one does, so that they do the same each
    /// time. None may wait for another elsewhere than in the kernel, but for what a new thread does before it first sleeps.
    void keep_turns() noexcept { turns_are_kept_ = true; }
    bool keeps_turns() const noexcept { return turns_are_kept_; }

    // Threads that the program starts and joins while turns are kept.

    /// Calls `start`, which gives the new thread's id, and returns once that one sleeps, or has ended.
    void start_thread(const std::function<std::thread::id()>& start);

    /// On the thread, as the last that it does.
    void end_thread();

    /// Sleeps until the thread has come to its end.
    void await_end_of(std::thread::id id);

    /// The program has threads without a ring, which may wake those that have one: nobody hangs for good then.
    void allow_foreign_threads() noexcept { foreign_threads_ = true; }

    /// Held by every call into the kernel.
    class presence : public std::unique_lock<std::recursive_mutex> {
    public:
        explicit presence(std::recursive_mutex& mutex) : unique_lock(mutex) { ++depth_; }
        presence(const presence&) = delete;
        presence& operator=(const presence&) = delete;
        ~presence() { --depth_; }
    };
    presence enter() { return presence(mutex_); }

    /// Whether the calling thread is in a call into the kernel, where peers run as well, and not in the program.
    static bool is_inside() noexcept { return depth_ != 0; }

    /// What the program must not do, or what came out wrong: prints it with the seed and what led to it, and ends the
    /// process with `violation_code`.
    [[noreturn]] void violation(std::string_view what);
    static constexpr int violation_code = 70;

    /// Ends it with a signal instead, for those who watch for that.
    static void abort_on_violation() noexcept { aborts_ = true; }

    /// How this run is repeated, for the message of a violation.
    void set_replay(std::string command) { replay_ = std::move(command); }

    void call(const char* name, int subject, std::int64_t result) {
        trace_.add({now(), trace::what::call, 0, 0, subject, result, 0, name});
    }
    void note(const char* text, std::int64_t value = 0) {
        trace_.add({now(), trace::what::note, 0, 0, 0, value, 0, text});
    }

    /// Nothing that the program opened is open any more, and no ring is left.
    void require_clean_end();

    /// Where reports go, also when the program's standard error goes elsewhere.
    static std::FILE* report() noexcept;

private:
    static constexpr int first_descriptor = 1'000'000;

    struct sleeper {
        simulated_ring* ring;
        wait_for_completions awaited;
        bool woken = false;
    };

    void tell(fault kind) { trace_.add({now(), trace::what::fault, 0, 0, static_cast<int>(kind), 0, 0, nullptr}); }
    bool everybody_sleeps() const;
    template <class Condition>
    void wait_for_turn(Condition come);
    bool has_enough(const sleeper& who) const;
    std::optional<instant> next_limit() const;
    bool wake_one();
    void go_on();

    static kernel* current_;
    static inline thread_local unsigned depth_ = 0;
    static bool aborts_;

    std::uint64_t seed_;
    random_source random_;
    faults faults_{random_};
    timeline time_{random_};
    trace trace_;
    network network_{*this};
    std::map<int, std::shared_ptr<file>> descriptors_;
    int next_descriptor_ = first_descriptor;
    std::size_t descriptor_limit_ = 1'000'000;
    std::map<std::string, std::shared_ptr<std::string>> disk_;
    std::map<const std::string*, instant> changes_;
    std::map<std::string, std::string, std::less<>> environment_;

    std::recursive_mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<simulated_ring*> rings_;
    std::map<std::thread::id, int> threads_; // rings of each, and one more for one that was started
    std::set<std::thread::id> started_;   // and have not ended
    std::set<std::thread::id> beginning_; // of those: that have not slept yet
    std::set<std::thread::id> awaited_;   // of those: for whose end another one sleeps
    std::vector<sleeper*> sleepers_;
    std::size_t expected_threads_ = 0;
    std::uint64_t progress_ = 0;
    int next_ring_number_ = 0;
    std::size_t buffers_seen_ = 0;
    bool foreign_threads_ = false;
    bool closing_in_use_ = false;
    bool turns_are_kept_ = false;
    unsigned lacking_ = 0;
    std::size_t lockable_entries_ = ~std::size_t{0};
    std::string replay_;
};

} // namespace simulation
