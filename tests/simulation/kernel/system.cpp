// The runtime's file of direct system calls, over the simulated kernel: defined in a program, these take the place of the
// library's own.

#include <tuyau/runtime/system.hpp>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "kernel.hpp"
#include "memory.hpp"
#include "ring.hpp"

namespace {

using simulation::fault;
using simulation::kernel;
using simulation::tcp_socket;

kernel& here() { return kernel::current(); }

constexpr std::chrono::seconds some_day(1'760'000'000);

std::shared_ptr<tcp_socket> socket_of(int fd, const char* call) {
    if (here().is_closed(fd)) here().violation(std::string(call) + " was called for a closed descriptor");
    return here().find_as<tcp_socket>(fd);
}

int told(const char* call, int subject, int result) {
    here().call(call, subject, result);
    return result;
}

int no_socket(int fd) { return here().find(fd) ? -ENOTSOCK : -EBADF; }

void write_address(const tcp_socket& socket, std::uint16_t port, sockaddr* address, unsigned* length) {
    sockaddr_storage whole{};
    unsigned size = 0;
    if (socket.is_ipv6()) {
        auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&whole);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_addr = in6addr_loopback;
        ipv6->sin6_port = htons(port);
        size = sizeof *ipv6;
    } else {
        auto* ipv4 = reinterpret_cast<sockaddr_in*>(&whole);
        ipv4->sin_family = AF_INET;
        ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ipv4->sin_port = htons(port);
        size = sizeof *ipv4;
    }
    std::memcpy(address, &whole, std::min(size, *length));
    *length = size;
}

} // namespace

// What the standard library says of the time, the program's threads and tests see as well.
std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
    if (kernel* there = kernel::current_or_null()) {
        constexpr std::chrono::nanoseconds price(100); // so that who waits by looking at the clock comes to an end
        const auto in = there->enter();
        there->time().pass(price);
        return there->now();
    }
    return time_point(std::chrono::system_clock::now().time_since_epoch());
}

namespace tuyau::system {

clock::time_point now() noexcept { return clock::now(); }

std::chrono::system_clock::time_point wall_time() noexcept {
    return std::chrono::system_clock::time_point(
        some_day + std::chrono::duration_cast<std::chrono::system_clock::duration>(now().time_since_epoch()));
}

int open_socket(int family, int, int) noexcept {
    const auto in = here().enter();
    if (family != AF_INET && family != AF_INET6) return told("socket", family, -EAFNOSUPPORT);
    if (!here().has_room_for_descriptor()) return told("socket", family, -EMFILE);
    if (here().strikes(fault::process_out_of_descriptors))
        return told("socket", family, here().random().one_of(-EMFILE, -ENFILE));
    auto made = std::make_shared<tcp_socket>(here());
    made->set_ipv6(family == AF_INET6);
    return told("socket", family, here().open(std::move(made)));
}

int set_option(int fd, int level, int option, int value) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "setsockopt");
    if (!socket) return no_socket(fd);
    if (level == SOL_SOCKET && option == SO_REUSEPORT) socket->set_reuse_port(value != 0);
    return 0;
}

int bind(int fd, const sockaddr* address, unsigned) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "bind");
    if (!socket) return no_socket(fd);
    const bool ipv6 = address->sa_family == AF_INET6;
    const auto port = ntohs(ipv6 ? reinterpret_cast<const sockaddr_in6*>(address)->sin6_port
                                 : reinterpret_cast<const sockaddr_in*>(address)->sin_port);
    return told("bind", fd, socket->bind(port, ipv6));
}

int listen(int fd, int backlog) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "listen");
    return told("listen", fd, socket ? socket->listen(backlog) : no_socket(fd));
}

int local_address(int fd, sockaddr* address, unsigned* length) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "getsockname");
    if (!socket) return no_socket(fd);
    write_address(*socket, socket->port(), address, length);
    return 0;
}

int peer_address(int fd, sockaddr* address, unsigned* length) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "getpeername");
    if (!socket) return no_socket(fd);
    if (!socket->is_connected() || socket->is_over()) return -ENOTCONN;
    write_address(*socket, socket->peer_port(), address, length);
    return 0;
}

int shut_down(int fd, int how) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "shutdown");
    if (!socket) return no_socket(fd);
    return told("shutdown", fd, socket->is_over() ? -ENOTCONN : socket->shut_down(how));
}

void close(int fd) noexcept {
    const auto in = here().enter();
    told("close", fd, here().close(fd));
}

int look_at_file(int fd, struct statx& told) noexcept {
    const auto in = here().enter();
    if (here().is_closed(fd)) here().violation("statx was called for a closed descriptor");
    told = {};
    const auto file = here().find_as<simulation::regular_file>(fd);
    if (!file) {
        told.stx_mode = S_IFDIR | 0755;
        return here().find_as<simulation::folder_file>(fd) ? 0 : -EBADF;
    }
    constexpr simulation::duration age = std::chrono::hours(1); // of what nobody has changed
    const auto changed = here().last_change(file->content()).value_or(simulation::instant() - age);
    const auto when = some_day + changed.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
    const auto is_it = [&](const auto& each) { return each.second.get() == &file->content(); };
    const auto& disk = here().disk();
    told.stx_mode = S_IFREG | 0644;
    told.stx_nlink = std::any_of(disk.begin(), disk.end(), is_it) ? 1 : 0;
    told.stx_size = file->size();
    told.stx_mtime.tv_sec = seconds.count();
    told.stx_mtime.tv_nsec = static_cast<std::uint32_t>((when - seconds).count());
    told.stx_ino = reinterpret_cast<std::uintptr_t>(&file->content());
    return 0;
}

int read_folder(int fd, std::size_t, folder_entries&) { // its disk has none
    close(fd);
    return -ENOTDIR;
}

int open_signals(std::uint64_t signals, std::uint64_t* previous) noexcept {
    const auto in = here().enter();
    *previous = 0;
    if (!here().has_room_for_descriptor()) return -EMFILE;
    return told("signalfd", 0, here().open(std::make_shared<simulation::signal_file>(here(), signals)));
}

void restore_signal_mask(std::uint64_t) noexcept {}

std::uint64_t block_all_signals() noexcept { return 0; }

void name_thread(const char*) noexcept {}

std::size_t usable_processors() noexcept { return 2; }

void pin_thread(std::size_t) noexcept {}

int open_event() noexcept {
    const auto in = here().enter();
    if (!here().has_room_for_descriptor()) return -EMFILE;
    return told("eventfd", 0, here().open(std::make_shared<simulation::event_file>(here())));
}

void raise_event(int fd) noexcept {
    const auto in = here().enter();
    const auto event = here().find(fd);
    if (!event) here().violation("an eventfd was raised after it was closed");
    const std::uint64_t one = 1;
    event->write(reinterpret_cast<const char*>(&one), sizeof one);
    told("raise", fd, 0);
}

int receive_now(int fd, void* space, std::size_t size) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "recv");
    if (!socket) return no_socket(fd);
    const auto got = socket->read(static_cast<char*>(space), size);
    return told("recv", fd, got ? *got : -EAGAIN);
}

int send_now(int fd, const void* bytes, std::size_t size, bool) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "send");
    if (!socket) return no_socket(fd);
    for (simulation::simulated_ring* each : here().rings()) each->check_lone_send(*socket, "a direct send");
    if (here().strikes(fault::request_to_be_repeated)) return told("send", fd, -EAGAIN);
    if (size > 1 && here().strikes(fault::short_send)) size = here().random().between<std::size_t>(1, size - 1);
    const auto sent = socket->write(static_cast<const char*>(bytes), size);
    return told("send", fd, sent ? *sent : -EAGAIN);
}

int send_file_now(int fd, int file, std::uint64_t position, std::size_t size) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "sendfile");
    if (!socket) return no_socket(fd);
    const auto from = here().find_as<simulation::regular_file>(file);
    if (!from) here().violation("sendfile was called for what is no open file");
    for (simulation::simulated_ring* each : here().rings()) each->check_lone_send(*socket, "a sendfile");
    if (here().strikes(fault::request_to_be_repeated)) return told("sendfile", fd, -EAGAIN);
    if (here().strikes(fault::failing_disk)) return told("sendfile", fd, -EIO);
    const std::string& content = from->content();
    const auto begin = static_cast<std::size_t>(std::min<std::uint64_t>(position, content.size()));
    size = std::min(size, content.size() - begin);
    if (size == 0) return told("sendfile", fd, 0);
    if (size > 1 && here().strikes(fault::short_send)) size = here().random().between<std::size_t>(1, size - 1);
    const auto sent = socket->write(content.data() + begin, size);
    return told("sendfile", fd, sent ? *sent : -EAGAIN);
}

int make_memory_file(const void* bytes, std::size_t size) noexcept {
    const auto in = here().enter();
    if (const int error = here().lack_of_descriptors(); error < 0) return told("memfd_create", 0, error);
    auto content = std::make_shared<std::string>(static_cast<const char*>(bytes), size);
    return told("memfd_create", 0,
                here().open(std::make_shared<simulation::regular_file>(here(), std::move(content), 0)));
}

bool has_input(int fd) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "poll");
    return socket && (socket->readiness() & POLLIN) != 0;
}

bool hung_up(int fd) noexcept {
    const auto in = here().enter();
    const auto socket = socket_of(fd, "poll");
    return socket && socket->at_end();
}

int io_uring_disabled() noexcept { return 0; }
int io_uring_group() noexcept { return -1; }
int seccomp_mode() noexcept { return 0; }
std::string kernel_release() { return "simulated"; }

std::string_view environment(const char* name) noexcept {
    const auto in = here().enter();
    const auto place = here().environment().find(std::string_view(name));
    return place != here().environment().end() ? std::string_view(place->second) : std::string_view();
}

resource_limit locked_memory_limit() noexcept { return {unlimited, unlimited}; }

resource_limit descriptor_limit() noexcept {
    const auto in = here().enter();
    return {here().descriptor_limit(), here().descriptor_limit()};
}

void raise_locked_memory_limit() noexcept {}

std::size_t raise_descriptor_limit() noexcept {
    const auto in = here().enter();
    return here().descriptor_limit();
}

} // namespace tuyau::system
