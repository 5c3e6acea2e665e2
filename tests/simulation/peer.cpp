#include "peer.hpp"

#include <cerrno>
#include <netinet/in.h>

namespace simulation {

action<peer> peer::connect(std::uint16_t port) {
    peer made(std::make_shared<tcp_socket>(kernel::current()));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int error = made.socket_->connect(port, reinterpret_cast<const sockaddr*>(&where));
    while (error == 0) {
        if (const outcome ended = made.socket_->connected()) {
            error = *ended;
            break;
        }
        co_await made.socket_->change();
    }
    if (error != 0) {
        made.close();
        made.error_ = -error;
    }
    co_return made;
}

action<std::string> peer::receive(std::size_t most) {
    for (;;) {
        if (!socket_) co_return std::string();
        std::string bytes(std::min(most, std::max<std::size_t>(socket_->unread(), 1)), '\0');
        if (const outcome got = socket_->read(bytes.data(), bytes.size())) {
            if (*got < 0) error_ = -*got;
            bytes.resize(static_cast<std::size_t>(std::max(*got, 0)));
            co_return bytes;
        }
        co_await socket_->change();
    }
}

std::size_t peer::send_now(std::string_view bytes) {
    if (!socket_) return 0;
    const outcome sent = socket_->write(bytes.data(), bytes.size());
    if (sent && *sent < 0) error_ = -*sent;
    return sent && *sent > 0 ? static_cast<std::size_t>(*sent) : 0;
}

action<bool> peer::send(std::string bytes) {
    std::string_view left = bytes;
    while (!left.empty()) {
        if (!socket_) co_return false;
        const outcome sent = socket_->write(left.data(), left.size());
        if (!sent) {
            co_await socket_->change();
            continue;
        }
        if (*sent < 0) {
            error_ = -*sent;
            co_return false;
        }
        left.remove_prefix(static_cast<std::size_t>(*sent));
    }
    co_return true;
}

void peer::close() {
    if (socket_ == nullptr) return;
    const auto closed = std::exchange(socket_, nullptr);
    closed->released();
    closed->changed(); // who waits on it, in another coroutine, is to know
}

void peer::reset() {
    if (socket_ == nullptr) return;
    socket_->set_reset_on_close();
    close();
}

peer_listener::peer_listener(std::uint16_t port) : socket_(std::make_shared<tcp_socket>(kernel::current())) {
    const bool well = socket_->bind(port, false) == 0 && socket_->listen(4096) == 0;
    if (!well) kernel::current().violation("a scenario's server cannot listen");
}

peer_listener::~peer_listener() {
    socket_->released();
}

action<peer> peer_listener::accept() {
    for (;;) {
        if (auto next = socket_->accept()) co_return peer(std::move(next));
        co_await socket_->change();
    }
}

} // namespace simulation
