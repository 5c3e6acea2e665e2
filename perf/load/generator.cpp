#include "generator.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <numeric>
#include <utility>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "processor_time.hpp"

namespace load {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t most_opening = 256;     // fewer than a listener's backlog
constexpr std::uint64_t most_errors = 10'000; // past them nothing is learned any more
constexpr std::chrono::seconds opening_time(60);
constexpr std::chrono::microseconds too_short_to_sleep(50);

nanoseconds from_seconds(double seconds) { return nanoseconds(static_cast<nanoseconds::rep>(seconds * 1e9)); }

nanoseconds watched_time(const std::vector<int>& processes) {
    return std::accumulate(processes.begin(), processes.end(), nanoseconds{},
                           [](nanoseconds sum, int id) { return sum + processor_time_of(id); });
}

} // namespace

generator::generator(const options& chosen) : chosen_(chosen), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = 0; i < chosen.depth; ++i) requests_ += chosen.request;
    const std::string_view echo = chosen.echo_size > 0 ? std::string_view(chosen.request) : std::string_view();
    for (std::size_t i = 0; i < chosen.connections + chosen.idle; ++i)
        connections_.emplace_back(epoll_, chosen.port, echo, i < chosen.connections);
    if (chosen.rate > 0) interval_ = from_seconds(1 / chosen.rate);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); // else each sleep may be 50 microseconds longer
}

generator::~generator() {
    connections_.clear();
    close(epoll_);
}

bool generator::open() {
    const time_point end = clock::now() + opening_time;
    std::size_t next = chosen_.new_connection ? chosen_.connections : 0;
    while ((next < connections_.size() || opening_ > 0) && clock::now() < end && seen_.errors == 0) {
        while (next < connections_.size() && opening_ < most_opening) {
            ++opening_;
            connection& which = connections_[next++];
            const auto state = which.ask(chosen_.request, 1, clock::now());
            if (state != connection::state::waiting) finished(which, state, clock::now());
        }
        if (opening_ > 0) wait(end);
    }
    return next == connections_.size() && opening_ == 0 && seen_.errors == 0;
}

void generator::warm_up() {
    loading_ = true;
    next_due_ = clock::now();
    for (std::size_t i = 0; i < chosen_.connections; ++i) {
        if (chosen_.rate > 0)
            free_.push_back(&connections_[i]);
        else
            ask(connections_[i], clock::now());
    }
    run(clock::now() + from_seconds(chosen_.warm_up));
}

measurement generator::measure() {
    const auto sum = [this](std::uint64_t connection::*what) {
        return std::accumulate(connections_.begin(), connections_.end(), std::uint64_t{},
                               [what](std::uint64_t all, const connection& each) { return all + each.*what; });
    };
    const std::uint64_t sent = sum(&connection::bytes_sent);
    const std::uint64_t received = sum(&connection::bytes_received);
    const nanoseconds watched = watched_time(chosen_.watch);
    const nanoseconds own = own_processor_time();
    const time_point begin = clock::now();
    const std::uint64_t errors = seen_.errors; // who was broken off while it warmed up is missing now
    seen_ = {};
    seen_.errors = errors;
    run(begin + from_seconds(chosen_.seconds));
    const time_point end = clock::now();
    seen_.watched = watched_time(chosen_.watch) - watched;
    seen_.own = own_processor_time() - own;
    seen_.time = end - begin;
    seen_.bytes_sent = sum(&connection::bytes_sent) - sent;
    seen_.bytes_received = sum(&connection::bytes_received) - received;
    if (chosen_.rate > 0) count_unfinished(end);
    loading_ = false;
    return seen_;
}

bool generator::finite() const noexcept { return chosen_.requests > 0 && seen_.requests >= chosen_.requests; }

void generator::run(time_point end) {
    for (time_point now = clock::now(); now < end && !finite() && seen_.errors < most_errors; now = clock::now()) {
        if (chosen_.rate > 0) start_due(now);
        const bool due_soon = chosen_.rate > 0 && !free_.empty();
        wait(due_soon ? std::min(end, next_due_) : end);
    }
}

/// When none is free the next one that is takes the request that has waited longest, with the time when that was due.
void generator::start_due(time_point now) {
    while (next_due_ <= now && !free_.empty()) {
        connection& which = *free_.front();
        free_.pop_front();
        ask(which, std::exchange(next_due_, next_due_ + interval_));
    }
}

void generator::ask(connection& which, time_point due) {
    if (!which.is_open()) ++seen_.opened;
    const auto state = which.ask(requests_, chosen_.depth, due);
    if (state != connection::state::waiting) finished(which, state, clock::now());
}

/// One that failed asks no more.
void generator::finished(connection& which, connection::state how, time_point now) {
    if (opening_ > 0) --opening_;
    if (how == connection::state::failed) {
        ++seen_.errors;
        return;
    }
    answered_ += which.asked();
    seen_.requests += which.asked();
    for (std::size_t i = 0; i < which.asked(); ++i) seen_.latency.record(now - which.due());
    if (!loading_ || !which.goes_on()) return;
    if (chosen_.new_connection) which.close();
    if (chosen_.rate > 0)
        free_.push_back(&which);
    else
        ask(which, now);
}

void generator::count_unfinished(time_point end) {
    const auto add = [&](time_point due) {
        ++seen_.unfinished;
        seen_.latency.record(end - due);
    };
    for (const connection& each : connections_)
        if (each.is_busy()) add(each.due());
    for (; next_due_ < end; next_due_ += interval_) add(next_due_);
}

void generator::wait(time_point until) {
    std::array<epoll_event, 256> events;
    nanoseconds left = until - clock::now();
    if (left < too_short_to_sleep) left = {};
    const timespec limit{static_cast<time_t>(left.count() / 1'000'000'000), left.count() % 1'000'000'000};
    const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &limit, nullptr);
    for (int i = 0; i < count; ++i) {
        connection& which = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (!which.is_open()) continue;
        const auto state = which.advance();
        if (state != connection::state::waiting) finished(which, state, clock::now());
    }
}

} // namespace load
