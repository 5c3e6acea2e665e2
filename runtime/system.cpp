#include <tuyau/runtime/system.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>

namespace tuyau::system {
namespace {

int or_errno(int result) noexcept { return result < 0 ? -errno : result; }

constexpr int highest_signal = 64;

std::uint64_t to_bits(const sigset_t& set) noexcept {
    std::uint64_t bits = 0;
    for (int number = 1; number <= highest_signal; ++number)
        if (sigismember(&set, number) == 1) bits |= std::uint64_t{1} << (number - 1);
    return bits;
}

sigset_t from_bits(std::uint64_t bits) noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (int number = 1; number <= highest_signal; ++number)
        if ((bits >> (number - 1)) & 1) sigaddset(&set, number);
    return set;
}

static_assert(RLIM_INFINITY == unlimited);

resource_limit limit_on(int resource) noexcept {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return {0, 0};
    return {limit.rlim_cur, limit.rlim_max};
}

/// The number that stands in a file of the kernel's; `otherwise` when there is none.
int read_number(const char* path, int otherwise) noexcept {
    int number = otherwise;
    if (std::FILE* file = std::fopen(path, "re")) {
        if (std::fscanf(file, "%d", &number) != 1) number = otherwise;
        std::fclose(file);
    }
    return number;
}

rlim_t raise_limit(int resource) noexcept {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return 0;
    const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
    return setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0 ? limit.rlim_cur : before;
}

bool ignore_broken_pipes() noexcept {
    struct sigaction present {};
    if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
    return true;
}

} // namespace

clock::time_point now() noexcept { return clock::now(); }

std::chrono::system_clock::time_point wall_time() noexcept { return std::chrono::system_clock::now(); }

int open_socket(int family, int type, int protocol) noexcept {
    return or_errno(::socket(family, type | SOCK_CLOEXEC, protocol));
}

int set_option(int fd, int level, int option, int value) noexcept {
    return or_errno(::setsockopt(fd, level, option, &value, sizeof value));
}

int bind(int fd, const sockaddr* address, unsigned length) noexcept { return or_errno(::bind(fd, address, length)); }

int listen(int fd, int backlog) noexcept { return or_errno(::listen(fd, backlog)); }

int local_address(int fd, sockaddr* address, unsigned* length) noexcept {
    return or_errno(::getsockname(fd, address, length));
}

int peer_address(int fd, sockaddr* address, unsigned* length) noexcept {
    return or_errno(::getpeername(fd, address, length));
}

int shut_down(int fd, int how) noexcept { return or_errno(::shutdown(fd, how)); }

void close(int fd) noexcept { ::close(fd); }

int look_at_file(int fd, struct statx& told) noexcept {
    constexpr unsigned wanted = STATX_TYPE | STATX_SIZE | STATX_MTIME | STATX_INO | STATX_NLINK;
    return or_errno(::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, wanted, &told));
}

int read_folder(int fd, std::size_t most, folder_entries& entries) {
    const std::unique_ptr<DIR, int (*)(DIR*)> opened(::fdopendir(fd), &::closedir);
    if (opened == nullptr) {
        const int error = errno;
        ::close(fd);
        return -error;
    }
    while (entries.size() < most) {
        errno = 0;
        const dirent* next = ::readdir(opened.get());
        if (next == nullptr) return -errno;
        const std::string_view name = next->d_name;
        if (name != "." && name != "..") entries.emplace_back(name, next->d_type);
    }
    return 0;
}

int open_signals(std::uint64_t signals, std::uint64_t* previous) noexcept {
    const sigset_t wanted = from_bits(signals);
    sigset_t before;
    if (int error = pthread_sigmask(SIG_BLOCK, &wanted, &before); error != 0) return -error;
    *previous = to_bits(before);
    const int fd = or_errno(::signalfd(-1, &wanted, SFD_CLOEXEC));
    if (fd < 0) restore_signal_mask(*previous);
    return fd;
}

void restore_signal_mask(std::uint64_t mask) noexcept {
    const sigset_t set = from_bits(mask);
    pthread_sigmask(SIG_SETMASK, &set, nullptr);
}

std::uint64_t block_all_signals() noexcept {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigemptyset(&before);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    return to_bits(before);
}

void name_thread(const char* name) noexcept {
    char text[16];
    std::snprintf(text, sizeof text, "%s", name);
    pthread_setname_np(pthread_self(), text);
}

std::size_t usable_processors() noexcept {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) return 1; // more processors than the set has room for
    return std::max<std::size_t>(static_cast<std::size_t>(CPU_COUNT(&usable)), 1);
}

void pin_thread(std::size_t index) noexcept {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) return;
    index %= static_cast<std::size_t>(CPU_COUNT(&usable));
    for (std::size_t processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (!CPU_ISSET(processor, &usable) || index-- != 0) continue;
        cpu_set_t chosen;
        CPU_ZERO(&chosen);
        CPU_SET(processor, &chosen);
        sched_setaffinity(0, sizeof chosen, &chosen);
        return;
    }
}

int open_event() noexcept { return or_errno(::eventfd(0, EFD_CLOEXEC)); }

void raise_event(int fd) noexcept {
    const std::uint64_t one = 1;
    while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

int receive_now(int fd, void* space, std::size_t size) noexcept {
    for (;;) {
        const auto got = ::recv(fd, space, size, MSG_DONTWAIT);
        if (got >= 0) return static_cast<int>(got);
        if (errno != EINTR) return -errno;
    }
}

int send_now(int fd, const void* bytes, std::size_t size, bool more) noexcept {
    for (;;) {
        const auto sent = ::send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
        if (sent >= 0) return static_cast<int>(sent);
        if (errno != EINTR) return -errno;
    }
}

int send_file_now(int fd, int file, std::uint64_t position, std::size_t size) noexcept {
    [[maybe_unused]] static const bool once = ignore_broken_pipes();
    // Nor one that would keep it from waiting. What the ring has in flight on the socket does not look at this.
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return -errno;
    auto from = static_cast<off_t>(position);
    int sent = 0;
    do sent = or_errno(static_cast<int>(::sendfile(fd, file, &from, size)));
    while (sent == -EINTR);
    ::fcntl(fd, F_SETFL, 0);
    return sent;
}

int make_memory_file(const void* bytes, std::size_t size) noexcept {
    const int fd = or_errno(::memfd_create("tuyau", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0) return fd;
    int error = 0;
    for (std::size_t done = 0; done != size && error == 0;) {
        const auto written = ::write(fd, static_cast<const char*>(bytes) + done, size - done);
        if (written > 0)
            done += static_cast<std::size_t>(written);
        else if (errno != EINTR)
            error = -errno;
    }
    if (error == 0)
        error = or_errno(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    if (error == 0) return fd;
    ::close(fd);
    return error;
}

bool has_input(int fd) noexcept {
    pollfd asked{fd, POLLIN, 0};
    return ::poll(&asked, 1, 0) == 1;
}

bool hung_up(int fd) noexcept {
    pollfd asked{fd, POLLRDHUP, 0};
    return ::poll(&asked, 1, 0) == 1;
}

int io_uring_disabled() noexcept { return read_number("/proc/sys/kernel/io_uring_disabled", 0); }

int io_uring_group() noexcept { return read_number("/proc/sys/kernel/io_uring_group", -1); }

int seccomp_mode() noexcept {
    int mode = -1;
    if (std::FILE* file = std::fopen("/proc/self/status", "re")) {
        char line[256];
        while (mode < 0 && std::fgets(line, sizeof line, file) != nullptr)
            if (std::sscanf(line, "Seccomp: %d", &mode) != 1) mode = -1;
        std::fclose(file);
    }
    return mode;
}

std::string kernel_release() {
    utsname names{};
    return ::uname(&names) == 0 ? std::string(names.sysname) + " " + names.release : std::string("unknown");
}

std::string_view environment(const char* name) noexcept {
    const char* value = std::getenv(name);
    return value != nullptr ? value : std::string_view();
}

resource_limit locked_memory_limit() noexcept { return limit_on(RLIMIT_MEMLOCK); }

resource_limit descriptor_limit() noexcept { return limit_on(RLIMIT_NOFILE); }

void raise_locked_memory_limit() noexcept { raise_limit(RLIMIT_MEMLOCK); }

std::size_t raise_descriptor_limit() noexcept { return static_cast<std::size_t>(raise_limit(RLIMIT_NOFILE)); }

} // namespace tuyau::system
