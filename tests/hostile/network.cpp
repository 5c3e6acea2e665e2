#include "network.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/process.hpp"

namespace tests {
namespace {

using clock = std::chrono::steady_clock;

constexpr const char* own_network = "/proc/thread-self/ns/net";

int check(int result, const std::string& what) {
    if (result < 0) throw no_network(what + ": " + std::strerror(errno));
    return result;
}

sockaddr native(const std::string& address) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    inet_pton(AF_INET, address.c_str(), &v4.sin_addr);
    sockaddr any{};
    std::memcpy(&any, &v4, sizeof v4);
    return any;
}

ifreq named(const std::string& device) {
    ifreq request{};
    device.copy(request.ifr_name, IFNAMSIZ - 1);
    return request;
}

/// Gives a device of the thread's network an address, and switches it on.
void bring_up(const std::string& device, const std::string& address) {
    const int fd = check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    ifreq request = named(device);
    request.ifr_addr = native(address);
    int result = ::ioctl(fd, SIOCSIFADDR, &request);
    if (result == 0) {
        request.ifr_netmask = native("255.255.255.0");
        result = ::ioctl(fd, SIOCSIFNETMASK, &request);
    }
    if (result == 0) {
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        result = ::ioctl(fd, SIOCSIFFLAGS, &request);
    }
    ::close(fd);
    check(result, "cannot set up " + device);
}

void command(std::vector<std::string> words) {
    const auto done = run(words);
    if (done.code != 0) throw no_network(words[0] + " " + words[1] + ": " + done.errors);
}

std::string path_of(const network& which) {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(which.fd());
}

class netem_line final : public bad_line {
public:
    explicit netem_line(const quality& how) {
        {
            inside here(left());
            command({"ip", "link", "add", "left", "type", "veth", "peer", "name", "right", "netns", path_of(right())});
            bring_up("left", left_address);
            emulate("left", how);
        }
        inside there(right());
        bring_up("right", right_address);
        emulate("right", how);
    }

    void cut() override {
        const quality none{.lost = 1};
        {
            inside here(left());
            emulate("left", none);
        }
        inside there(right());
        emulate("right", none);
    }

private:
    static void emulate(const std::string& device, const quality& how) {
        command({"tc", "qdisc", "replace", "dev", device, "root", "netem", "limit", "10000", "delay",
                 std::to_string(how.delay.count()) + "ms", std::to_string(how.jitter.count()) + "ms", "loss",
                 std::to_string(how.lost * 100) + "%"});
    }
};

/// A network device whose packets are read from, and written to, a descriptor.
class tunnel {
public:
    explicit tunnel(const std::string& address)
        : fd_(check(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun")) {
        ifreq request = named("line");
        request.ifr_flags = IFF_TUN | IFF_NO_PI;
        const int made = ::ioctl(fd_, TUNSETIFF, &request);
        if (made < 0) ::close(fd_);
        check(made, "cannot make a tunnel");
        bring_up("line", address);
    }
    tunnel(const tunnel&) = delete;
    tunnel& operator=(const tunnel&) = delete;
    ~tunnel() { ::close(fd_); }

    int fd() const noexcept { return fd_; }

private:
    int fd_;
};

std::unique_ptr<tunnel> tunnel_in(const network& where, const std::string& address) {
    inside here(where);
    return std::make_unique<tunnel>(address);
}

class line_of_tunnels final : public bad_line {
public:
    line_of_tunnels(const quality& how, std::uint64_t seed)
        : how_(how), random_(seed), ends_{tunnel_in(left(), left_address), tunnel_in(right(), right_address)},
          stop_(check(::eventfd(0, EFD_CLOEXEC), "eventfd")), carrier_([this] { carry(); }) {}

    ~line_of_tunnels() override {
        const std::uint64_t one = 1;
        while (::write(stop_, &one, sizeof one) < 0 && errno == EINTR) {}
        carrier_.join();
        ::close(stop_);
    }

    void cut() override { cut_ = true; }

private:
    struct packet {
        std::size_t to;
        std::vector<char> bytes;
    };

    void carry() {
        std::array<pollfd, 3> waited{pollfd{ends_[0]->fd(), POLLIN, 0}, pollfd{ends_[1]->fd(), POLLIN, 0},
                                     pollfd{stop_, POLLIN, 0}};
        while (waited[2].revents == 0) {
            take_from(0);
            take_from(1);
            deliver();
            ::poll(waited.data(), waited.size(), time_left());
        }
    }

    void take_from(std::size_t end) {
        std::array<char, 2048> space; // more than the device's largest packet
        for (;;) {
            const ssize_t size = ::read(ends_[end]->fd(), space.data(), space.size());
            if (size <= 0) return;
            if (cut_ || std::bernoulli_distribution(how_.lost)(random_)) continue;
            const auto jitter = how_.jitter.count();
            const std::chrono::milliseconds late(std::uniform_int_distribution<long>(-jitter, jitter)(random_));
            on_their_way_.emplace(clock::now() + how_.delay + late,
                                  packet{1 - end, {space.data(), space.data() + size}});
        }
    }

    void deliver() {
        while (!on_their_way_.empty() && on_their_way_.begin()->first <= clock::now()) {
            const packet& next = on_their_way_.begin()->second;
            // What does not fit in is lost, as on any line.
            [[maybe_unused]] const ssize_t written =
                ::write(ends_[next.to]->fd(), next.bytes.data(), next.bytes.size());
            on_their_way_.erase(on_their_way_.begin());
        }
    }

    int time_left() const {
        if (on_their_way_.empty()) return -1;
        const auto left = on_their_way_.begin()->first - clock::now();
        return std::max(0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    }

    const quality how_;
    std::atomic<bool> cut_ = false;
    std::mt19937_64 random_;
    std::array<std::unique_ptr<tunnel>, 2> ends_;
    std::multimap<clock::time_point, packet> on_their_way_;
    int stop_;
    std::thread carrier_; // last: it uses all of the above
};

} // namespace

network::network() {
    const int back = check(::open(own_network, O_RDONLY | O_CLOEXEC), own_network);
    if (::unshare(CLONE_NEWNET) != 0) {
        const int error = errno;
        ::close(back);
        throw no_network(std::string("this user may not make a network namespace: ") + std::strerror(error));
    }
    fd_ = ::open(own_network, O_RDONLY | O_CLOEXEC);
    ::setns(back, CLONE_NEWNET);
    ::close(back);
    check(fd_, own_network);
}

network::~network() { ::close(fd_); }

inside::inside(const network& where) : back_(check(::open(own_network, O_RDONLY | O_CLOEXEC), own_network)) {
    if (::setns(where.fd(), CLONE_NEWNET) == 0) return;
    ::close(back_);
    throw no_network("cannot enter a network namespace");
}

inside::~inside() {
    ::setns(back_, CLONE_NEWNET);
    ::close(back_);
}

bad_line::bad_line() {
    for (const network* each : {&left_, &right_}) {
        inside here(*each);
        bring_up("lo", "127.0.0.1");
    }
}

std::unique_ptr<bad_line> line_by_netem(const quality& how) { return std::make_unique<netem_line>(how); }

std::unique_ptr<bad_line> line_by_hand(const quality& how, std::uint64_t seed) {
    return std::make_unique<line_of_tunnels>(how, seed);
}

} // namespace tests
