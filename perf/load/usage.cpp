// Runs a command so many times, one after another, and prints for each run what it took: wall-clock and processor time in
// microseconds, and the most memory that it had in use, in KiB. Small itself: what a program had before exec(2) counts too.

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

long long microseconds(const timeval& time) { return time.tv_sec * 1'000'000LL + time.tv_usec; }

[[noreturn]] void become(char** command) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    if (nowhere >= 0) ::dup2(nowhere, STDOUT_FILENO);
    ::execvp(command[0], command);
    std::perror(command[0]);
    std::_Exit(127);
}

bool run_once(char** command) {
    const auto begun = std::chrono::steady_clock::now();
    const pid_t child = ::fork();
    if (child == 0) become(command);
    int status = 0;
    rusage used{};
    if (child < 0 || ::wait4(child, &status, 0, &used) != child) return false;
    const auto wall = std::chrono::steady_clock::now() - begun;
    std::printf("%lld %lld %ld\n",
                static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(wall).count()),
                microseconds(used.ru_utime) + microseconds(used.ru_stime), used.ru_maxrss);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::fputs("usage: usage RUNS COMMAND [ARGUMENT]…\n", stderr);
        return 2;
    }
    const int runs = std::atoi(arguments[1]);
    for (int i = 0; i < runs; ++i) {
        if (!run_once(arguments + 2)) {
            std::fprintf(stderr, "usage: %s failed\n", arguments[2]);
            return 1;
        }
    }
    return 0;
}
