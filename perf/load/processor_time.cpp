#include "processor_time.hpp"

#include <ctime>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace load {

std::chrono::nanoseconds processor_time_of(int id) {
    std::int64_t sum = 0;
    std::error_code gone;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(id) + "/task", gone)) {
        std::int64_t time = 0;
        std::ifstream(thread.path() / "schedstat") >> time;
        sum += time;
    }
    return std::chrono::nanoseconds(sum);
}

std::chrono::nanoseconds own_processor_time() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

} // namespace load
