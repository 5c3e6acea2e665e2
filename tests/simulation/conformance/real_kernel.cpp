#include "present_kernel.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/resource.h>
#include <unistd.h>

namespace conformance {

struct present_kernel::parts {
    rlimit limit{};
    std::string folder;
};

present_kernel::present_kernel() : parts_(std::make_unique<parts>()) {
    ::getrlimit(RLIMIT_NOFILE, &parts_->limit);
    std::signal(SIGPIPE, SIG_IGN); // of write(2) to a pipe that nobody reads
    parts_->folder = (std::filesystem::temp_directory_path() / "tuyau-conformance-XXXXXX").string();
    if (::mkdtemp(parts_->folder.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", {});
}

present_kernel::~present_kernel() {
    ::setrlimit(RLIMIT_NOFILE, &parts_->limit);
    std::error_code ignored;
    std::filesystem::remove_all(parts_->folder, ignored);
}

std::pair<int, int> present_kernel::make_pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::perror("pipe2");
    return {ends[0], ends[1]};
}

std::string present_kernel::free_path() { return parts_->folder + "/file"; }

void present_kernel::send_signal(int number) { ::kill(::getpid(), number); }

void present_kernel::leave_descriptors(unsigned count) {
    // The limit is on the number: the first free ones count.
    int highest = -1;
    std::array<int, 16> taken{};
    for (unsigned index = 0; index < count; ++index) highest = taken.at(index) = ::dup(STDERR_FILENO);
    for (unsigned index = 0; index < count; ++index) ::close(taken.at(index));
    rlimit limit = parts_->limit;
    if (count != 0) {
        limit.rlim_cur = static_cast<rlim_t>(highest) + 1;
    } else {
        const int next = ::dup(STDERR_FILENO);
        ::close(next);
        limit.rlim_cur = static_cast<rlim_t>(next);
    }
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace conformance
