#include "scripted_server.hpp"

#include <algorithm>
#include <exception>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace tests {
namespace {

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    return text;
}

/// Of a head in lower case; empty when there is none.
std::string value_of(const std::string& head, const std::string& name) {
    const auto begin = head.find("\r\n" + name + ":");
    if (begin == std::string::npos) return {};
    const auto value = head.find_first_not_of(' ', begin + name.size() + 3);
    return head.substr(value, head.find("\r\n", value) - value);
}

} // namespace

void hand_over() {
    static std::mutex order;
    const std::lock_guard one_after_another(order);
}

std::string conversation::receive_exactly(std::size_t size) {
    std::string bytes = peer_.receive_exactly(size);
    hand_over();
    return bytes;
}

std::string conversation::receive_all() {
    std::string bytes = peer_.receive_all();
    hand_over();
    return bytes;
}

void conversation::send(const std::string& bytes) {
    hand_over();
    peer_.send(bytes);
}

void conversation::shutdown_send() {
    hand_over();
    peer_.shutdown_send();
}

std::string conversation::receive_head() {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        const std::string next = peer_.receive_exactly(1);
        if (next.empty()) break;
        head += next;
    }
    hand_over();
    return head;
}

std::string conversation::receive_request() {
    std::string request = receive_head();
    const std::string head = lower_case(request);
    if (const std::string size = value_of(head, "content-length"); !size.empty())
        return request + receive_exactly(std::stoul(size));
    if (value_of(head, "transfer-encoding").empty()) return request;
    for (;;) {
        std::string line;
        while (!line.ends_with("\r\n")) {
            const std::string next = receive_exactly(1);
            if (next.empty()) return request + line;
            line += next;
        }
        const auto size = std::stoul(line, nullptr, 16);
        request += line + receive_exactly(size + 2);
        if (size == 0) return request;
    }
}

void conversation::send_bytewise(const std::string& bytes) {
    const int yes = 1;
    ::setsockopt(peer_.fd(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    hand_over();
    for (const char each : bytes) peer_.send(std::string(1, each));
}

void conversation::send_pattern(std::size_t size) {
    constexpr std::size_t at_a_time = 1 << 20;
    for (std::size_t done = 0; done < size; done += at_a_time) send(pattern(done, std::min(at_a_time, size - done)));
}

void conversation::reset() {
    hand_over();
    const sockaddr nobody{AF_UNSPEC, {}}; // connect(2): dissolves the association, and leaves the descriptor
    if (::connect(peer_.fd(), &nobody, sizeof nobody) != 0) throw std::runtime_error("cannot reset a connection");
}

std::string pattern(std::size_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((offset + i) % 251);
    return bytes;
}

script in_order(std::initializer_list<script> steps) {
    return [all = std::vector<script>(steps)](conversation& client) {
        for (const script& each : all) each(client);
    };
}

script answer(std::string response) {
    return [text = std::move(response)](conversation& client) {
        client.receive_request();
        client.send(text);
    };
}

scripted_server::scripted_server(std::vector<script> scripts)
    : scripts_(std::move(scripts)), accepting_([this] { accept_all(); }) {}

scripted_server::~scripted_server() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const int each : open_) ::shutdown(each, SHUT_RDWR);
    }
    ::shutdown(listener_.fd(), SHUT_RDWR); // wakes who accepts
    accepting_.join();
}

std::string scripted_server::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port()) + path;
}

std::size_t scripted_server::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

std::vector<std::string> scripted_server::failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
}

void scripted_server::accept_all() {
    for (;;) {
        const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        const std::lock_guard lock(mutex_);
        if (ending_ || fd < 0) {
            if (fd >= 0) ::close(fd);
            return;
        }
        const script& what = scripts_[std::min(connections_++, scripts_.size() - 1)];
        open_.push_back(fd);
        threads_.emplace_back([this, &what, fd] { follow(what, fd); });
    }
}

void scripted_server::follow(const script& what, int fd) {
    std::string failure;
    conversation client(fd); // closed when it is listed no more
    try {
        what(client);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    if (!failure.empty() && !ending_) failures_.push_back(failure);
}

} // namespace tests
