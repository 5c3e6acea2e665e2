#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "connection.hpp"
#include "histogram.hpp"
#include "options.hpp"

namespace load {

/// What was seen while it was measured.
struct measurement {
    histogram latency;
    std::uint64_t requests = 0; ///< answered, and rightly
    std::uint64_t errors = 0;   ///< connections broken off, and wrong answers
    /// Were due at a fixed rate and not answered at the end; in `latency` with their wait so far.
    std::uint64_t unfinished = 0;
    std::uint64_t opened = 0; ///< connections
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::chrono::nanoseconds time{};
    std::chrono::nanoseconds watched{}; ///< CPU time of the watched processes
    std::chrono::nanoseconds own{};     ///< CPU time of this one
};

/// Loads the server from one thread on a bare epoll, and slow clients from another: nothing is shared with what is measured.
///
/// All connections are opened first, a few at a time, with a request each; then come the warm-up and the measurement.
class generator {
public:
    explicit generator(const options& chosen);
    ~generator();
    generator(const generator&) = delete;
    generator& operator=(const generator&) = delete;

    /// Opens the connections; whether all of them were answered in time.
    bool open();

    /// Loads without counting.
    void warm_up();

    measurement measure();

    /// Of all requests so far, also before and after `measure`.
    std::uint64_t answered() const noexcept { return answered_; }

private:
    void run(time_point end);
    void start_due(time_point now);
    void ask(connection& which, time_point due);
    void finished(connection& which, connection::state how, time_point now);
    void count_unfinished(time_point end);
    void wait(time_point until);
    bool finite() const noexcept;

    const options& chosen_;
    std::string requests_; // as many as are sent at once
    int epoll_;
    std::deque<connection> connections_; // those that go on asking come first
    std::deque<connection*> free_;       // at a fixed rate: those that wait for a request to be due
    measurement seen_;
    std::uint64_t answered_ = 0;
    std::size_t opening_ = 0; // connections whose first answer is awaited
    bool loading_ = false;
    std::chrono::nanoseconds interval_{}; // at a fixed rate
    time_point next_due_;
};

} // namespace load
