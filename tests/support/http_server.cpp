#include "http_server.hpp"

#include <algorithm>
#include <csignal>

#include <catch2/catch_test_macros.hpp>

#include "socket.hpp"

namespace tests {
namespace {

std::vector<std::string> command(std::vector<std::string> options, std::vector<std::string> all) {
    all.push_back(program("uring-http"));
    const auto unless_said = [&](const char* name, const char* value) {
        if (std::find(options.begin(), options.end(), name) == options.end()) all.insert(all.end(), {name, value});
    };
    unless_said("--listen", "127.0.0.1:0");
    unless_said("--threads", "1"); // so that one loop does what the test sees
    all.insert(all.end(), options.begin(), options.end());
    return all;
}

} // namespace

http_server::http_server(std::vector<std::string> options, std::vector<std::string> before)
    : program_(command(std::move(options), std::move(before))) {
    const std::string line = program_.read_line().value_or("");
    const auto host = line.find("//") + 2;
    const auto slash = line.find('/', host);
    const auto colon = line.rfind(':', slash);
    if (slash == std::string::npos || colon == std::string::npos) throw did_not_serve(program_.read_errors());
    url_ = line.substr(line.find("http"), slash + 1 - line.find("http"));
    address_ = line.substr(host, colon - host);
    std::erase_if(address_, [](char each) { return each == '[' || each == ']'; });
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
}

std::string http_server::ask(const std::string& bytes) const {
    socket_client client(address_, port_);
    client.send(bytes);
    return client.receive_all();
}

void http_server::check_alive() const { CHECK(ask(last_get).starts_with(found)); }

int http_server::end() {
    program_.signal(SIGTERM);
    return program_.wait();
}

std::size_t response_size(std::string_view text) {
    const std::string_view field = "Content-Length: ";
    const auto head = text.find("\r\n\r\n");
    const auto length = text.find(field);
    if (head == std::string_view::npos || length > head) throw std::runtime_error("no whole head of a response");
    return head + 4 + std::stoul(std::string(text.substr(length + field.size(), head - length - field.size())));
}

} // namespace tests
