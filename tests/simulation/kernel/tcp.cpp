#include "tcp.hpp"

#include <cerrno>
#include <netinet/in.h>
#include <poll.h>

#include "kernel.hpp"

namespace simulation {

connection::connection(kernel& owner, line_quality quality) : kernel_(owner), quality_(quality) {
    for (flow& each : flows_) {
        each.send_room = quality.send_room;
        each.receive_room = quality.receive_room;
    }
}

void connection::attach(int side, tcp_socket* socket) {
    ends_[side] = socket;
    if (broken_) socket->fail(ECONNRESET); // before this end knew that it was connected
}

std::size_t connection::room(int side) const noexcept {
    const flow& out = flows_[side];
    return out.send_room - std::min(out.send_room, out.unsent.size() + out.flying);
}

outcome connection::send(int side, const char* from, std::size_t size) {
    if (room(side) == 0) return std::nullopt;
    size = std::min(size, room(side));
    flows_[side].unsent.put(from, size);
    kernel_.record().mix_in(from, size);
    transmit(side);
    return static_cast<int>(size);
}

std::size_t connection::receive(int side, char* to, std::size_t size) {
    const std::size_t taken = flows_[1 - side].arrived.take(to, size);
    transmit(1 - side); // there is room again
    return taken;
}

void connection::end(int side) {
    flows_[side].end_wanted = true;
    transmit(side);
}

void connection::leave(int side, bool with_reset) {
    ends_[side] = nullptr;
    flows_[1 - side].arrived.clear();
    if (broken_) return;
    if (with_reset) {
        flows_[side].unsent.clear();
        send_reset(side);
    } else {
        end(side);
    }
    transmit(1 - side); // what was held back comes, and finds nobody
}

void connection::let_client_know(instant when) { flows_[server].last_arrival = when + 1ns; }

void connection::transmit(int side) {
    flow& out = flows_[side];
    while (!out.unsent.empty() && !broken_) {
        const std::size_t held = out.arrived.size() + out.flying;
        if (held >= out.receive_room) return;
        const std::size_t most = std::min({out.unsent.size(), out.receive_room - held, quality_.largest_segment});
        std::string segment = out.unsent.take(most > 1 && quality_.breaks_up && kernel_.random().chance(0.5)
                                                  ? kernel_.random().between<std::size_t>(1, most)
                                                  : most);
        const auto time_on_line =
            duration(static_cast<duration::rep>(static_cast<double>(segment.size()) / quality_.bytes_per_nanosecond));
        out.line_free = std::max(kernel_.now(), out.line_free) + time_on_line;
        instant arrival = out.line_free + quality_.latency + kernel_.random_delay(quality_.jitter);
        if (out.delivered + out.flying >= quality_.stalled_after) {
            quality_.stalled_after = ~std::uint64_t{0};
            kernel_.count(fault::connection_stalled);
            arrival += 1h;
        }
        put_on_line(side, std::move(segment), arrival);
    }
    if (out.end_wanted && !out.end_sent && out.unsent.empty() && !broken_) {
        out.end_sent = true;
        put_on_line(side, std::string(), kernel_.now() + quality_.latency);
    }
}

void connection::put_on_line(int side, std::string segment, instant arrival) {
    flow& out = flows_[side];
    out.last_arrival = std::max(arrival, out.last_arrival);
    out.flying += segment.size();
    out.segments.push_back(std::move(segment));
    kernel_.time().at(out.last_arrival, [self = shared_from_this(), side] { self->deliver_next(side); });
}

void connection::deliver_next(int side) {
    flow& out = flows_[side];
    const std::string bytes = std::move(out.segments.front());
    out.segments.pop_front();
    out.flying -= bytes.size();
    if (broken_) return;
    if (bytes.empty()) {
        out.end_arrived = true;
        if (ends_[1 - side] != nullptr) ends_[1 - side]->changed();
        return;
    }
    tcp_socket* receiver = ends_[1 - side];
    if (receiver == nullptr) return send_reset(1 - side);
    if (receiver->is_shut_both_ways()) return refuse_data(1 - side);
    const bool breaks = out.delivered + bytes.size() >= quality_.broken_after;
    const std::size_t size = breaks ? static_cast<std::size_t>(quality_.broken_after - out.delivered) : bytes.size();
    out.arrived.put(bytes.data(), size);
    out.delivered += size;
    receiver->changed();
    // There is room to send again: told when it is a third of all (sk_stream_write_space in net/core/stream.c).
    if (ends_[side] != nullptr && (out.unsent.size() + out.flying) * 3 <= out.send_room * 2) ends_[side]->changed();
    transmit(side);
    if (breaks) {
        kernel_.count(quality_.broken_with == ETIMEDOUT ? fault::connection_timed_out : fault::connection_reset);
        break_off(quality_.broken_with);
    }
}

void connection::send_reset(int side) {
    const int other = 1 - side;
    const flow& out = flows_[side];
    const instant arrival = kernel_.now() + quality_.latency;
    const bool overtakes = out.flying != 0 && arrival < out.last_arrival;
    const bool lost = overtakes && kernel_.strikes(fault::data_lost_by_reset);
    kernel_.time().at(lost ? arrival : std::max(arrival, out.last_arrival + 1ns),
                      [self = shared_from_this(), other] { self->fail(other, ECONNRESET); });
}

/// What comes for an end that was shut down both ways breaks the connection (RFC 1122, section 4.2.2.13).
void connection::refuse_data(int side) {
    flows_[side].unsent.clear();
    flows_[side].end_sent = true; // in place of an end there is a reset
    send_reset(side);
    ends_[side]->fail(ECONNRESET);
}

void connection::fail(int side, int error) {
    broken_ = true;
    flows_[side].unsent.clear();
    if (ends_[side] != nullptr) ends_[side]->fail(error);
}

void connection::break_off(int error) {
    if (broken_) return;
    fail(client, error);
    fail(server, error);
}

tcp_socket::~tcp_socket() {
    if (state_ != state::closed) released();
}

std::pair<std::shared_ptr<tcp_socket>, std::shared_ptr<tcp_socket>> tcp_socket::pair(kernel& owner) {
    const auto link = std::make_shared<connection>(owner, line_quality{});
    auto server = std::make_shared<tcp_socket>(owner);
    auto client = std::make_shared<tcp_socket>(owner);
    const std::uint16_t port = owner.net().free_port();
    const std::uint16_t peer_port = owner.net().free_port();
    server->attach(link, connection::server, port, peer_port);
    client->attach(link, connection::client, peer_port, port);
    return {std::move(server), std::move(client)};
}

int tcp_socket::bind(std::uint16_t port, bool ipv6) {
    if (state_ != state::fresh) return -EINVAL;
    if (port == 0) port = owner().net().free_port();
    if (owner().net().taken(port, reuse_port_)) return -EADDRINUSE;
    port_ = port;
    ipv6_ = ipv6;
    state_ = state::bound;
    return 0;
}

int tcp_socket::listen(int backlog) {
    if (state_ == state::fresh)
        port_ = owner().net().free_port();
    else if (state_ != state::bound)
        return -EINVAL;
    backlog_ = static_cast<std::size_t>(std::max(backlog, 0));
    state_ = state::listening;
    owner().net().enter(port_, *this);
    return 0;
}

int tcp_socket::connect(std::uint16_t port, const sockaddr* where) {
    if (state_ == state::connecting) return -EALREADY;
    if (state_ == state::connected) return -EISCONN;
    if (state_ != state::fresh && state_ != state::bound) return -EINVAL;
    constexpr std::uint32_t nobody = 0xcb007100;   // 203.0.113.0/24, RFC 5737
    constexpr std::uint32_t no_route = 0xc6336400; // 198.51.100.0/24, RFC 5737
    std::uint32_t network = 0;
    if (where->sa_family == AF_INET)
        network = ntohl(reinterpret_cast<const sockaddr_in*>(where)->sin_addr.s_addr) & 0xffffff00;
    if (network == no_route) return -ENETUNREACH;
    ipv6_ = where->sa_family == AF_INET6;
    if (state_ == state::fresh) port_ = owner().net().free_port();
    peer_port_ = port;
    receive_shut_ = send_shut_ = false;
    state_ = state::connecting;
    const auto self = shared_from_this();
    if (network == nobody)
        owner().time().after(127s, [self] { self->refused(ETIMEDOUT); }); // net.ipv4.tcp_syn_retries, tcp(7)
    else
        knock(nullptr, 0);
    return 0;
}

void tcp_socket::knock(std::shared_ptr<tcp_socket> listener, int attempt) {
    constexpr int most_attempts = 7; // net.ipv4.tcp_syn_retries and the first, tcp(7)
    if (state_ != state::connecting) return;
    const auto self = shared_from_this();
    const line_quality quality = owner().net().draw_line();
    if (attempt == most_attempts) return refused(ETIMEDOUT);
    owner().time().after(quality.latency, [this, self, quality, listener, attempt] {
        if (state_ != state::connecting) return;
        const auto there = owner().net().listener_on(peer_port_);
        if (!there || owner().strikes(fault::connection_refused)) {
            owner().time().after(quality.latency, [self] { self->refused(ECONNREFUSED); });
            return;
        }
        if (there->waiting_.size() > there->backlog_) { // dropped, and sent again later
            owner().time().after(1s * (1 << attempt), [self, there, attempt] { self->knock(there, attempt + 1); });
            return;
        }
        auto link = std::make_shared<connection>(owner(), quality);
        link->let_client_know(owner().now() + quality.latency);
        auto accepted = std::make_shared<tcp_socket>(owner());
        accepted->attach(link, connection::server, peer_port_, port_);
        accepted->ipv6_ = ipv6_;
        there->waiting_.push_back(std::move(accepted));
        there->changed();
        owner().time().after(quality.latency, [this, self, link] {
            if (state_ != state::connecting) return link->leave(connection::client, true);
            attach(link, connection::client, port_, peer_port_);
            changed();
        });
    });
}

void tcp_socket::refused(int error) {
    if (state_ != state::connecting) return;
    state_ = state::fresh;
    receive_shut_ = send_shut_ = true; // until it tries again
    error_ = error;
    changed();
}

outcome tcp_socket::connected() {
    if (state_ == state::connecting) return std::nullopt;
    if (error_ != 0) return -std::exchange(error_, 0);
    return state_ == state::connected ? 0 : -ECONNREFUSED;
}

void tcp_socket::attach(std::shared_ptr<connection> link, int side, std::uint16_t port, std::uint16_t peer_port) {
    link_ = std::move(link);
    side_ = side;
    port_ = port;
    peer_port_ = peer_port;
    state_ = state::connected;
    link_->attach(side, this);
}

std::shared_ptr<tcp_socket> tcp_socket::accept() {
    if (waiting_.empty()) return nullptr;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
}

void tcp_socket::fail(int error) {
    // A reset that comes after the peer's end says that what is sent now goes nowhere.
    const bool only_sends = link_ && link_->incoming(side_).end_arrived && !send_shut_;
    error_ = error == ECONNRESET && only_sends ? EPIPE : error;
    broken_ = true;
    changed();
}

bool tcp_socket::at_end() const noexcept {
    return broken_ || receive_shut_ || (link_ && link_->incoming(side_).end_arrived);
}

outcome tcp_socket::read(char* to, std::size_t size) {
    if (state_ == state::fresh && receive_shut_) return 0;
    if (state_ != state::connected) return -ENOTCONN;
    if (const std::size_t there = unread(); there != 0 && size != 0) {
        size = std::min(size, there);
        return static_cast<int>(link_->receive(side_, to, size));
    }
    if (link_->incoming(side_).end_arrived) return 0; // whatever came after it
    if (error_ != 0) return -std::exchange(error_, 0);
    if (at_end() || size == 0) return 0;
    return std::nullopt;
}

outcome tcp_socket::write(const char* from, std::size_t size) {
    if (error_ != 0) return -std::exchange(error_, 0);
    if (send_shut_ || broken_) return -EPIPE;
    if (state_ != state::connected) return state_ == state::connecting ? -ENOTCONN : -EPIPE;
    if (size == 0) return 0;
    return link_->send(side_, from, size);
}

std::size_t tcp_socket::writable() const {
    const bool fails = error_ != 0 || send_shut_ || broken_ || state_ != state::connected;
    return fails ? 0 : link_->room(side_);
}

short tcp_socket::readiness() const {
    int ready = 0;
    if (state_ == state::listening) return static_cast<short>(has_connections() ? POLLIN : 0);
    if (state_ != state::connected) return static_cast<short>(state_ == state::connecting ? 0 : POLLOUT | POLLHUP);
    if (unread() != 0 || at_end() || error_ != 0) ready |= POLLIN;
    if (at_end()) ready |= POLLRDHUP;
    if (send_shut_ || broken_ || link_->room(side_) != 0) ready |= POLLOUT;
    if (error_ != 0) ready |= POLLERR;
    if (broken_ || (send_shut_ && at_end())) ready |= POLLHUP;
    return static_cast<short>(ready);
}

int tcp_socket::shut_down(int how) {
    if (state_ == state::listening) { // ends an accept that waits
        if (how == SHUT_WR) return 0;
        stop_listening();
        state_ = state::bound;
        changed();
        return 0;
    }
    if (state_ != state::connected) return -ENOTCONN;
    if (how == SHUT_RD || how == SHUT_RDWR) receive_shut_ = true;
    if ((how == SHUT_WR || how == SHUT_RDWR) && !std::exchange(send_shut_, true)) link_->end(side_);
    changed();
    return 0;
}

void tcp_socket::stop_listening() {
    owner().net().leave(port_, *this);
    while (auto next = accept()) next->set_reset_on_close();
}

void tcp_socket::released() {
    const state before = std::exchange(state_, state::closed);
    if (before == state::listening) stop_listening();
    if (link_) {
        link_->leave(side_, reset_on_close_ || unread() != 0);
        link_.reset();
    }
}

bool network::taken(std::uint16_t port, bool may_share) const {
    const auto place = listeners_.find(port);
    if (place == listeners_.end() || place->second.empty()) return false;
    return !may_share || !place->second.front()->reuse_port();
}

void network::enter(std::uint16_t port, tcp_socket& listener) { listeners_[port].push_back(&listener); }

void network::leave(std::uint16_t port, tcp_socket& listener) { std::erase(listeners_[port], &listener); }

std::shared_ptr<tcp_socket> network::listener_on(std::uint16_t port) {
    const auto place = listeners_.find(port);
    if (place == listeners_.end() || place->second.empty()) return nullptr;
    return place->second[kernel_.random().below(place->second.size())]->shared_from_this();
}

line_quality network::draw_line() {
    if (fixed_) return *fixed_;
    random_source& random = kernel_.random();
    line_quality drawn;
    drawn.latency = random.one_of<duration>(0ns, 20us, 200us, 5ms, 80ms);
    drawn.jitter = random.one_of<duration>(0ns, 0ns, 10us, 30ms);
    drawn.bytes_per_nanosecond = random.one_of(10.0, 1.0, 0.01, 0.0005);
    // Single bytes are few: a megabyte of them tells nothing that ten thousand would not.
    drawn.largest_segment =
        random.chance(0.05) ? random.one_of<std::size_t>(1, 7) : random.one_of<std::size_t>(100, 536, 1460, 65536);
    drawn.send_room = drawn.largest_segment < 100 ? 4096 : random.one_of<std::size_t>(64, 2304, 16384, 262144, 2500000);
    drawn.receive_room = random.one_of<std::size_t>(1024, 2304, 65536, 262144, 6000000);
    if (drawn.send_room < 100) drawn.receive_room = std::min<std::size_t>(drawn.receive_room, 65536);
    const auto some_byte = [&] { return random.below(random.one_of<std::uint64_t>(1, 20, 300, 20'000, 2'000'000)); };
    if (random.chance(kernel_.probability(fault::connection_reset))) {
        drawn.broken_after = some_byte();
        drawn.broken_with = ECONNRESET;
    } else if (random.chance(kernel_.probability(fault::connection_timed_out))) {
        drawn.broken_after = some_byte();
        drawn.broken_with = ETIMEDOUT;
    }
    if (random.chance(kernel_.probability(fault::connection_stalled))) drawn.stalled_after = some_byte();
    return drawn;
}

} // namespace simulation
