#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "file.hpp"
#include "timeline.hpp"

namespace simulation {

class tcp_socket;

/// One direction of a connection: what its sender has handed over, what flies, and what has arrived.
struct flow {
    byte_queue unsent;
    std::deque<std::string> segments; ///< on their way, in order; the end of the stream is an empty one
    std::size_t flying = 0;           ///< bytes in them
    byte_queue arrived;
    std::size_t send_room = 0;
    std::size_t receive_room = 0;
    instant line_free{};
    instant last_arrival{};
    std::uint64_t delivered = 0;
    bool end_wanted = false;
    bool end_sent = false;
    bool end_arrived = false;
};

/// How a connection is: drawn once for each, from the weather.
struct line_quality {
    duration latency{};
    duration jitter{};
    double bytes_per_nanosecond = 1;
    std::size_t largest_segment = 65536;
    bool breaks_up = true; ///< segments are often smaller than they might be
    std::size_t send_room = 262144;
    std::size_t receive_room = 262144;
    std::uint64_t broken_after = ~std::uint64_t{0}; ///< bytes in one direction, after which the connection ends
    int broken_with = 0;                            ///< the errno that both ends see then
    std::uint64_t stalled_after = ~std::uint64_t{0};
};

/// Two sockets and what lies between them.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(kernel& owner, line_quality quality);

    static constexpr int client = 0;
    static constexpr int server = 1;

    outcome send(int side, const char* from, std::size_t size);
    std::size_t room(int side) const noexcept;
    std::size_t receive(int side, char* to, std::size_t size);
    void end(int side);

    /// An end that is gone: what still comes for it is answered with a reset.
    void leave(int side, bool with_reset);

    /// What has arrived for a side; what it has sent.
    const flow& incoming(int side) const noexcept { return flows_[1 - side]; }
    const flow& outgoing(int side) const noexcept { return flows_[side]; }

    duration latency() const noexcept { return quality_.latency; }
    void attach(int side, tcp_socket* socket);

    /// When the client learns that it is connected: what the server sends comes after that.
    void let_client_know(instant when);

    /// Breaks the connection at both ends.
    void break_off(int error);

private:
    void transmit(int side);
    void put_on_line(int side, std::string segment, instant arrival);
    void deliver_next(int side);
    void send_reset(int side);
    void refuse_data(int side);
    void fail(int side, int error);

    kernel& kernel_;
    line_quality quality_;
    flow flows_[2]; // by the side that sends
    tcp_socket* ends_[2] = {nullptr, nullptr};
    bool broken_ = false;
};

/// A TCP socket in any of its states. Held by descriptors of the program, or by a peer.
class tcp_socket final : public file, public std::enable_shared_from_this<tcp_socket> {
public:
    explicit tcp_socket(kernel& owner) noexcept : file(owner) {}
    ~tcp_socket() override;

    /// Two that are connected.
    static std::pair<std::shared_ptr<tcp_socket>, std::shared_ptr<tcp_socket>> pair(kernel& owner);

    bool is_socket() const noexcept override { return true; }

    int bind(std::uint16_t port, bool any_family_ipv6);
    int listen(int backlog);

    /// Begins to connect; `connected` tells when, and how, it has ended.
    int connect(std::uint16_t port, const sockaddr* where);
    outcome connected();

    /// The next of those that have come; null when there is none.
    std::shared_ptr<tcp_socket> accept();
    bool has_connections() const noexcept { return !waiting_.empty(); }

    outcome read(char* to, std::size_t size) override;
    outcome write(const char* from, std::size_t size) override;
    short readiness() const override;
    void released() override;
    int shut_down(int how);

    void set_reuse_port(bool value) noexcept { reuse_port_ = value; }
    bool reuse_port() const noexcept { return reuse_port_; }

    /// Closes with a reset (SO_LINGER 0), whatever is unread or unsent.
    void set_reset_on_close() noexcept { reset_on_close_ = true; }

    bool is_listening() const noexcept { return state_ == state::listening; }
    bool is_connected() const noexcept { return state_ == state::connected; }
    std::uint16_t port() const noexcept { return port_; }
    std::uint16_t peer_port() const noexcept { return peer_port_; }
    bool is_ipv6() const noexcept { return ipv6_; }
    void set_ipv6(bool value) noexcept { ipv6_ = value; }

    /// Bytes that have arrived and were not read.
    std::size_t unread() const noexcept { return link_ ? link_->incoming(side_).arrived.size() : 0; }
    std::size_t readable() const override { return state_ == state::connected ? unread() : 0; }
    std::size_t writable() const override;
    bool at_end() const noexcept;

    /// The error that the next call will give; it does not take it.
    int pending_error() const noexcept { return error_; }

    /// Reset, or ended by both.
    bool is_over() const noexcept {
        return broken_ || (link_ && link_->incoming(side_).end_arrived && link_->outgoing(side_).end_arrived);
    }

    bool was_reset() const noexcept { return broken_; }

    /// Nothing is read nor sent any more: who still sends is to be told so.
    bool is_shut_both_ways() const noexcept { return receive_shut_ && send_shut_; }

    connection* link() const noexcept { return link_.get(); }

private:
    friend class connection;

    enum class state : unsigned char { fresh, bound, listening, connecting, connected, closed };

    void attach(std::shared_ptr<connection> link, int side, std::uint16_t port, std::uint16_t peer_port);
    void knock(std::shared_ptr<tcp_socket> listener, int attempt);
    void refused(int error);
    void fail(int error);
    void stop_listening();

    state state_ = state::fresh;
    std::uint16_t port_ = 0;
    std::uint16_t peer_port_ = 0;
    bool ipv6_ = false;
    bool reuse_port_ = false;
    bool reset_on_close_ = false;
    bool receive_shut_ = false;
    bool send_shut_ = false;
    bool broken_ = false;
    int error_ = 0; // taken by the next call that sees it, as SO_ERROR
    std::size_t backlog_ = 0;
    std::deque<std::shared_ptr<tcp_socket>> waiting_;
    std::shared_ptr<connection> link_;
    int side_ = 0;
};

/// Who listens where, and how lines are.
class network {
public:
    explicit network(kernel& owner) noexcept : kernel_(owner) {}

    std::uint16_t free_port() noexcept { return next_port_++; }
    bool taken(std::uint16_t port, bool may_share) const;
    void enter(std::uint16_t port, tcp_socket& listener);
    void leave(std::uint16_t port, tcp_socket& listener);
    std::shared_ptr<tcp_socket> listener_on(std::uint16_t port);

    line_quality draw_line();

    /// What lines are like from here on; null for what the weather draws.
    void set_line(std::optional<line_quality> quality) noexcept { fixed_ = quality; }

private:
    kernel& kernel_;
    std::uint16_t next_port_ = 40000;
    std::map<std::uint16_t, std::vector<tcp_socket*>> listeners_;
    std::optional<line_quality> fixed_;
};

} // namespace simulation
