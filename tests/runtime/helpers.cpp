#include "helpers.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

descriptor_pair descriptor_pair::pipe() {
    std::array<int, 2> fds{};
    check(::pipe2(fds.data(), O_CLOEXEC) == 0, "pipe");
    return descriptor_pair(fds);
}

descriptor_pair descriptor_pair::sockets() {
    std::array<int, 2> fds{};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0, "socketpair");
    return descriptor_pair(fds);
}

descriptor_pair descriptor_pair::tcp() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    auto* native = reinterpret_cast<sockaddr*>(&where);
    check(listener >= 0 && ::bind(listener, native, size) == 0 && ::listen(listener, 1) == 0, "listen");
    ::getsockname(listener, native, &size);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(client >= 0 && ::connect(client, native, size) == 0, "connect");
    const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    check(server >= 0, "accept");
    ::close(listener);
    return descriptor_pair({server, client});
}

descriptor_pair::~descriptor_pair() {
    for (int fd : fds_)
        if (fd >= 0) ::close(fd);
}

void write_now(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        check(size >= 0, "write");
        text.remove_prefix(static_cast<std::size_t>(size));
    }
}

std::string read_now(int fd, std::size_t size) {
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(fd, text.data() + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        check(got >= 0, "read");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
}

} // namespace tests
