#include "kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ring.hpp"

namespace simulation {

kernel* kernel::current_ = nullptr;
bool kernel::aborts_ = false;

kernel::kernel(std::uint64_t seed) : seed_(seed), random_(seed) {
    if (current_ != nullptr) violation("two kernels at once");
    current_ = this;
    for (unsigned what = 0; what <= static_cast<unsigned>(missing::minimum_wait); ++what)
        if (strikes(fault::feature_missing)) set_lacking(static_cast<missing>(what));
    // As much as the smallest queues need that the runtime asks for, at least.
    if (random_.chance(probability(fault::short_of_locked_memory)))
        lockable_entries_ = random_.one_of<std::size_t>(256, 300, 600, 1200, 5000);
}

kernel::~kernel() {
    faults_.calm();
    time_.clear();
    descriptors_.clear();
    time_.clear(); // what closing has set going
    current_ = nullptr;
}

kernel& kernel::current() {
    if (current_ == nullptr) {
        std::fputs("the program called a simulated kernel that is not there\n", report());
        std::_Exit(violation_code);
    }
    return *current_;
}

std::FILE* kernel::report() noexcept {
    static std::FILE* const out = ::fdopen(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100), "w");
    return out != nullptr ? out : stderr;
}

bool kernel::is_folder(const std::string& path) const {
    const auto next = disk_.upper_bound(path + "/");
    return next != disk_.end() && next->first.starts_with(path + "/");
}

int kernel::open(std::shared_ptr<file> what) { return open_at(next_descriptor_++, std::move(what)); }

int kernel::open_at(int fd, std::shared_ptr<file> what) {
    descriptors_[fd] = std::move(what);
    return fd;
}

std::shared_ptr<file> kernel::find(int fd) const {
    const auto place = descriptors_.find(fd);
    return place == descriptors_.end() ? nullptr : place->second;
}

int kernel::close(int fd) {
    const auto place = descriptors_.find(fd);
    if (place == descriptors_.end()) {
        if (is_closed(fd)) violation(fmt::format("descriptor {} was closed twice", fd));
        return -EBADF;
    }
    const auto what = std::move(place->second);
    descriptors_.erase(place);
    // The runtime watches its eventfd to the end, as a request that names no memory and that nobody waits for.
    if (!closing_in_use_ && !what->waiting().empty() && dynamic_cast<event_file*>(what.get()) == nullptr)
        violation(
            fmt::format("descriptor {} was closed while request #{} used it", fd, what->waiting().front().request));
    what->released();
    return 0;
}

int kernel::lack_of_descriptors() noexcept {
    if (!has_room_for_descriptor()) {
        count(fault::process_out_of_descriptors);
        return -EMFILE;
    }
    if (strikes(fault::process_out_of_descriptors)) return -EMFILE;
    return strikes(fault::system_out_of_descriptors) ? -ENFILE : 0;
}

std::shared_ptr<pipe_buffer> kernel::open_input(int fd) {
    auto shared = std::make_shared<pipe_buffer>();
    open_at(fd, std::make_shared<pipe_reader>(*this, shared));
    return shared;
}

std::shared_ptr<pipe_buffer> kernel::open_output(int fd) {
    auto shared = std::make_shared<pipe_buffer>();
    shared->room = std::size_t{1} << 40; // somebody reads as fast as it comes
    open_at(fd, std::make_shared<pipe_writer>(*this, shared));
    return shared;
}

void kernel::signal(int number) {
    for (auto& [fd, what] : descriptors_)
        if (auto* receiver = dynamic_cast<signal_file*>(what.get()); receiver != nullptr && receiver->receive(number))
            return;
    note("a signal that nobody receives:", number);
}

void kernel::add(simulated_ring& ring) {
    rings_.push_back(&ring);
    ++threads_[std::this_thread::get_id()];
    changed_.notify_all();
}

void kernel::remove(simulated_ring& ring) {
    std::erase(rings_, &ring);
    const auto place = threads_.find(std::this_thread::get_id());
    if (place != threads_.end() && --place->second == 0) threads_.erase(place);
    if (expected_threads_ != 0) --expected_threads_;
    ++progress_;
    changed_.notify_all();
}

simulated_ring* kernel::ring_with(int descriptor) const noexcept {
    for (simulated_ring* each : rings_)
        if (each->descriptor() == descriptor) return each;
    return nullptr;
}

std::size_t kernel::buffers_away() const {
    std::size_t sum = 0;
    for (const simulated_ring* each : rings_) sum += each->buffers_away();
    return sum;
}

void kernel::look_again(const file::waiting_request& who) {
    for (simulated_ring* each : rings_)
        if (each->number() == who.ring) each->look_again(who.request);
    if (sleepers_.size() > 1 || foreign_threads_) changed_.notify_all();
}

bool kernel::everybody_sleeps() const {
    return sleepers_.size() + awaited_.size() >= std::max(threads_.size(), expected_threads_);
}

bool kernel::has_enough(const sleeper& who) const {
    const auto has_come = [this](const std::optional<instant>& when) { return when && *when <= now(); };
    const unsigned there = who.ring->completions();
    return there >= who.awaited.count || has_come(who.awaited.until) || (there != 0 && has_come(who.awaited.one_from));
}

/// The next moment at which somebody may wake up though nothing has happened.
std::optional<instant> kernel::next_limit() const {
    std::optional<instant> next;
    for (const sleeper* each : sleepers_)
        for (const auto& limit : {each->awaited.until, each->awaited.one_from})
            if (limit && *limit > now() && (!next || *limit < *next)) next = limit;
    return next;
}

/// Wakes one of those who have what they wait for.
bool kernel::wake_one() {
    std::vector<sleeper*> ready;
    for (sleeper* each : sleepers_)
        if (!each->woken && has_enough(*each)) ready.push_back(each);
    if (ready.empty()) return false;
    ready[random_.below(ready.size())]->woken = true;
    changed_.notify_all();
    return true;
}

void kernel::go_on() {
    std::optional<instant> next = time_.next();
    if (const auto limit = next_limit(); limit && (!next || *limit < *next)) next = limit;
    if (next) return time_.advance(*next);
    if (!foreign_threads_) violation("everybody sleeps, and nothing is left that could wake anyone");
}

/// With the kernel held, which others take meanwhile.
template <class Condition>
void kernel::wait_for_turn(Condition come) {
    constexpr auto most_patience = std::chrono::minutes(2); // of real time, on however busy a machine
    auto since = std::chrono::system_clock::now();
    for (std::uint64_t before = progress_; !come(); before = progress_) {
        const auto until = since + most_patience;
        if (changed_.wait_until(mutex_, until) == std::cv_status::timeout && before == progress_ && !come())
            violation("a thread waits for another one otherwise than in the kernel");
        if (before != progress_) since = std::chrono::system_clock::now();
    }
}

void kernel::sleep(simulated_ring& ring, const wait_for_completions& awaited) {
    constexpr auto patience = std::chrono::milliseconds(50); // in real time, with a thread that sleeps elsewhere
    constexpr auto most_patience = std::chrono::seconds(20);
    sleeper self{&ring, awaited};
    sleepers_.push_back(&self);
    ++progress_;
    if (beginning_.erase(std::this_thread::get_id()) != 0) changed_.notify_all();
    const auto began = std::chrono::system_clock::now();
    while (!self.woken) {
        if (everybody_sleeps()) {
            const auto somebody = [](const sleeper* each) { return each->woken; };
            if (std::any_of(sleepers_.begin(), sleepers_.end(), somebody)) {
                changed_.wait(mutex_);
            } else if (!wake_one()) {
                const bool stuck = !time_.next() && !next_limit() && foreign_threads_;
                if (!stuck) {
                    go_on();
                } else {
                    changed_.wait_until(mutex_, std::chrono::system_clock::now() + patience);
                    if (std::chrono::system_clock::now() - began > most_patience)
                        violation("everybody sleeps, and nobody has come to wake anyone for 20 seconds of real time");
                }
            }
            continue;
        }
        if (turns_are_kept_) {
            wait_for_turn([&] { return self.woken || everybody_sleeps(); });
            continue;
        }
        // Another thread runs. If it sleeps outside the kernel, in a join perhaps, it may be waiting for this one.
        const std::uint64_t before = progress_;
        changed_.wait_until(mutex_, std::chrono::system_clock::now() + patience);
        if (self.woken || before != progress_ || everybody_sleeps()) continue;
        if (!wake_one() && (time_.next() || next_limit())) go_on();
    }
    std::erase(sleepers_, &self);
    ++progress_;
}

void kernel::start_thread(const std::function<std::thread::id()>& start) {
    const auto in = enter();
    const std::thread::id id = start(); // which cannot sleep or end while this is inside
    ++threads_[id];
    started_.insert(id);
    beginning_.insert(id);
    wait_for_turn([&] { return !beginning_.contains(id); });
}

void kernel::end_thread() {
    const auto in = enter();
    const std::thread::id id = std::this_thread::get_id();
    threads_.erase(id);
    started_.erase(id);
    beginning_.erase(id);
    awaited_.erase(id);
    ++progress_;
    changed_.notify_all();
}

void kernel::await_end_of(std::thread::id id) {
    const auto in = enter();
    if (!started_.contains(id)) return;
    if (threads_.contains(std::this_thread::get_id())) awaited_.insert(id);
    beginning_.erase(std::this_thread::get_id());
    ++progress_;
    changed_.notify_all();
    wait_for_turn([&] { return !started_.contains(id); });
}

void kernel::require_clean_end() {
    if (!rings_.empty()) violation("the program ended and left a ring behind");
    for (const auto& [fd, what] : descriptors_)
        if (fd >= first_descriptor) violation(fmt::format("descriptor {} was left open", fd));
}

void kernel::violation(std::string_view what) {
    std::FILE* out = report();
    fmt::print(out, "\nWhat came before:\n");
    trace_.print_tail(out);
    fmt::print(out, "\nseed {}: {}\n", seed_, what);
    if (!replay_.empty()) fmt::print(out, "replay with: {}\n", replay_);
    std::fflush(out);
    if (aborts_) std::abort();
    std::_Exit(violation_code);
}

} // namespace simulation
