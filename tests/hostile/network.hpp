#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace tests {

/// Why this user, or this kernel, can have no such network; what() says it plainly.
struct no_network : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A network namespace without a name: the kernel removes it, with all that is in it, when its last user is gone, however
/// the tests end.
class network {
public:
    /// Throws `no_network` when it is not permitted.
    network();
    network(const network&) = delete;
    network& operator=(const network&) = delete;
    ~network();

    int fd() const noexcept { return fd_; }

private:
    int fd_;
};

/// While it lives the calling thread is in that network: the sockets that it makes and the programs that it starts stay there.
class inside {
public:
    explicit inside(const network& where);
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;
    ~inside();

private:
    int back_;
};

/// What happens to packets on their way, in each direction.
struct quality {
    double lost = 0;                     ///< of one
    std::chrono::milliseconds delay{0};  ///< on the average
    std::chrono::milliseconds jitter{0}; ///< more or less than that, so that packets overtake each other
};

/// Two networks and a bad line between them.
class bad_line {
public:
    virtual ~bad_line() = default;
    const network& left() const noexcept { return left_; }
    const network& right() const noexcept { return right_; }

    /// From now on nothing arrives, and nobody is told.
    virtual void cut() = 0;

    static inline const std::string left_address = "10.77.0.1";
    static inline const std::string right_address = "10.77.0.2";

protected:
    bad_line();

private:
    network left_;
    network right_;
};

/// A pair of virtual devices with the kernel's own emulator (tc-netem(8)). Throws `no_network`.
std::unique_ptr<bad_line> line_by_netem(const quality& how);

/// The same by ourselves, where the kernel was built without: each packet passes through a thread that loses, delays and
/// shuffles them by the seed. Throws `no_network`.
std::unique_ptr<bad_line> line_by_hand(const quality& how, std::uint64_t seed);

} // namespace tests
