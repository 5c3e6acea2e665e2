#pragma once

#include <cstdint>

namespace tests {

/// How often the calling thread passes one of the kernel's tracepoints.
class tracepoint_counter {
public:
    /// `name` is like "io_uring/io_uring_poll_arm".
    explicit tracepoint_counter(const char* name);
    tracepoint_counter(const tracepoint_counter&) = delete;
    tracepoint_counter& operator=(const tracepoint_counter&) = delete;
    ~tracepoint_counter();

    /// Not where the kernel has no such tracepoint, or this user may not count it: a readable tracefs is needed, and root
    /// or a perf_event_paranoid of -1 (perf_event_open(2)).
    bool counts() const noexcept { return fd_ >= 0; }

    /// Since it was made; 0 if it does not count.
    std::uint64_t count() const;

private:
    int fd_ = -1;
};

} // namespace tests
