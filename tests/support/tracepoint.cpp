#include "support/tracepoint.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tests {

tracepoint_counter::tracepoint_counter(const char* name) {
    std::ifstream file(std::string("/sys/kernel/tracing/events/") + name + "/id");
    perf_event_attr wanted{};
    if (!(file >> wanted.config)) return;
    wanted.size = sizeof(wanted);
    wanted.type = PERF_TYPE_TRACEPOINT;
    fd_ = static_cast<int>(syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

tracepoint_counter::~tracepoint_counter() {
    if (counts()) close(fd_);
}

std::uint64_t tracepoint_counter::count() const {
    std::uint64_t value = 0;
    if (counts() && read(fd_, &value, sizeof(value)) != sizeof(value))
        throw std::runtime_error("a tracepoint's counter cannot be read");
    return value;
}

} // namespace tests
