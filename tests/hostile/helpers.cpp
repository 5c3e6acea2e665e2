#include "helpers.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

namespace tests {
namespace {

constexpr std::size_t ports_used = 10'000; // of an address; the kernel has some 28,000

const std::string_view missing = "HTTP/1.1 404 Not Found\r\n";

void check(bool well, const char* what) {
    if (!well) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

void set_option(int fd, int level, int option, int value) {
    check(::setsockopt(fd, level, option, &value, sizeof value) == 0, "setsockopt");
}

sockaddr_in address_of(const std::string& address, std::uint16_t port) {
    sockaddr_in native{};
    native.sin_family = AF_INET;
    native.sin_port = htons(port);
    check(::inet_pton(AF_INET, address.c_str(), &native.sin_addr) == 1, "inet_pton");
    return native;
}

bool is_missing(std::size_t index) { return index % 3 == 2; }

std::vector<std::string> chat_command(std::vector<std::string> all) {
    all.push_back(program("exercise-4"));
    all.emplace_back("0");
    return all;
}

} // namespace

std::unique_ptr<socket_client> connect_with(const connect_options& options, std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0, "socket");
    auto client = std::make_unique<socket_client>(fd);
    if (options.receive_buffer != 0) client->shrink_receive_buffer(options.receive_buffer);
    if (options.segment != 0) set_option(fd, IPPROTO_TCP, TCP_MAXSEG, options.segment);
    if (!options.source.empty()) {
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        const sockaddr_in from = address_of(options.source, 0);
        check(::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0, "bind");
    }
    const sockaddr_in to = address_of("127.0.0.1", port);
    check(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "connect");
    return client;
}

std::string source_address(std::size_t number) { return "127.0.0." + std::to_string(2 + number / ports_used % 250); }

std::string series(std::size_t count, std::size_t size) {
    std::string all;
    for (std::size_t index = 0; index < count; ++index) {
        std::string request = is_missing(index) ? "GET /missing" : "GET /";
        request += " HTTP/1.1\r\nHost: x\r\nPadding: ";
        const std::size_t end = request.size() + 4;
        if (end < size) request.append(size - end, 'p');
        all += request + "\r\n\r\n";
    }
    return all;
}

std::size_t answers_in(std::string_view text) {
    std::string_view bodies[2];
    std::size_t count = 0;
    for (; !text.empty(); ++count) {
        const bool other = is_missing(count);
        const std::size_t head = text.find("\r\n\r\n");
        const std::size_t size = response_size(text);
        if (size > text.size()) throw std::runtime_error("answer " + std::to_string(count) + " is cut short");
        if (!text.starts_with(other ? missing : std::string_view(found)))
            throw std::runtime_error("answer " + std::to_string(count) + " is out of place");
        const std::string_view body = text.substr(head, size - head);
        if (bodies[other].empty()) bodies[other] = body;
        if (body != bodies[other])
            throw std::runtime_error("answer " + std::to_string(count) + " is not as the others");
        text.remove_prefix(size);
    }
    return count;
}

void good_client::check_served() {
    connection_.send(get);
    if (page_.empty()) {
        page_ = connection_.receive_until("</html>\n");
        REQUIRE(page_.starts_with(found));
        REQUIRE(page_.size() == response_size(page_));
        return;
    }
    const std::string answer = connection_.receive_exactly(page_.size());
    REQUIRE(answers_in(page_ + answer) == 2);
}

bool descriptors_return(const http_server& server, std::size_t expected) {
    return eventually([&] {
        server.check_alive();
        return server.program().descriptors() <= expected;
    });
}

bool has_something(const socket_client& client) {
    pollfd waited{client.fd(), POLLIN, 0};
    return ::poll(&waited, 1, 0) != 0;
}

chat_server::chat_server(std::vector<std::string> before) : program_(chat_command(std::move(before))) {
    const std::string line = program_.read_line().value_or("");
    const auto address = line.find("127.0.0.1:");
    if (address == std::string::npos) throw std::runtime_error(program_.read_errors());
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(address + 10)));
}

int chat_server::end() {
    program_.signal(SIGTERM);
    return program_.wait();
}

} // namespace tests
