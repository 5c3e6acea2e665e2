#include "helpers.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace tests {
namespace {

void check(bool well, const char* what) {
    if (!well) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

} // namespace

child_outcome in_child(const std::function<int()>& work) {
    int errors[2];
    check(::pipe(errors) == 0, "pipe");
    std::fflush(nullptr);
    const pid_t id = ::fork();
    check(id >= 0, "fork");
    if (id == 0) {
        // The test framework's handlers would report the child's end as the end of the tests.
        for (int number : {SIGABRT, SIGSEGV, SIGTERM, SIGINT, SIGFPE, SIGILL}) std::signal(number, SIG_DFL);
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::dup2(errors[1], 2);
        ::close(errors[0]);
        ::close(errors[1]);
        int code = 99;
        try {
            code = work();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
        }
        std::fflush(nullptr);
        ::_exit(code);
    }
    ::close(errors[1]);
    child_outcome outcome;
    char bytes[4096];
    for (;;) {
        const ssize_t size = ::read(errors[0], bytes, sizeof bytes);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        outcome.errors.append(bytes, static_cast<std::size_t>(size));
    }
    ::close(errors[0]);
    int status = 0;
    while (::waitpid(id, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    return outcome;
}

std::string broken_contract_of(const std::function<void()>& work) {
    const child_outcome ended = in_child([&] {
        work();
        return 0;
    });
    const std::string start = "tuyau: broken contract: ";
    const auto at = ended.errors.find(start);
    if (ended.signal != SIGABRT || at == std::string::npos) return {};
    const auto from = at + start.size();
    return ended.errors.substr(from, ended.errors.find('\n', from) - from);
}

bool in_use(tuyau::feature which) { return tuyau::loop().requests().uses(which); }

std::vector<tuyau::feature_set> every_way() {
    std::vector<tuyau::feature_set> ways{
        {}, {tuyau::feature::defer_taskrun, tuyau::feature::cooperative_taskrun}, tuyau::feature_set::all()};
    for (const tuyau::feature_facts& each : tuyau::all_features) ways.push_back({each.which});
    return ways;
}

void forbid(long call, int error, std::optional<unsigned> what) {
    const unsigned verdict = SECCOMP_RET_ERRNO | (static_cast<unsigned>(error) & SECCOMP_RET_DATA);
    std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, static_cast<unsigned char>(what ? 3 : 1)),
    };
    if (what) {
        program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + sizeof(std::uint64_t)));
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, *what, 0, 1));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, verdict));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0,
          "a seccomp filter");
}

} // namespace tests
