#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include "support/process.hpp"
#include "support/socket.hpp"

namespace tests {

/// An exercise that listens on a port of its own.
struct running {
    explicit running(const std::string& name) : program({tests::program(name), "0"}) {
        first_line = program.read_line().value();
        const auto colon = first_line.find("127.0.0.1:");
        if (colon != std::string::npos) port = static_cast<std::uint16_t>(std::stoul(first_line.substr(colon + 10)));
    }

    std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port) + path; }

    int end_by(int signal) {
        program.signal(signal);
        return program.wait();
    }

    tests::process program;
    std::string first_line;
    std::uint16_t port = 0;
};

struct response {
    std::string status;
    std::map<std::string, std::string> fields;
    std::string body;
};

/// Takes an HTTP response apart, and checks on the way that it is one.
inline response parse(const std::string& bytes) {
    const auto head_end = bytes.find("\r\n\r\n");
    REQUIRE(head_end != std::string::npos);
    const std::string head = bytes.substr(0, head_end + 2);
    CHECK(std::count(head.begin(), head.end(), '\n') == std::count(head.begin(), head.end(), '\r'));
    response parsed;
    parsed.body = bytes.substr(head_end + 4);
    std::size_t start = head.find("\r\n") + 2;
    parsed.status = head.substr(0, start - 2);
    while (start < head.size()) {
        const auto end = head.find("\r\n", start);
        const auto colon = head.find(": ", start);
        REQUIRE(colon < end);
        parsed.fields[head.substr(start, colon - start)] = head.substr(colon + 2, end - colon - 2);
        start = end + 2;
    }
    CHECK(parsed.fields["Content-Length"] == std::to_string(parsed.body.size()));
    return parsed;
}

inline void check_page(const std::string& bytes) {
    response page = parse(bytes);
    CHECK(page.status == "HTTP/1.1 200 OK");
    CHECK(page.fields["Content-Type"] == "text/html; charset=utf-8");
    CHECK(page.fields["Connection"] == "close");
    CHECK(page.body.starts_with("<!DOCTYPE html>"));
    CHECK(page.body.find("<h1>Hello World!</h1>") != std::string::npos);
    CHECK(page.body.find("<link rel=\"icon\" href=\"data:,\">") != std::string::npos);
    CHECK(page.body.ends_with("</html>\n"));
}

inline bool is_refused(std::uint16_t port) {
    try {
        socket_client client("127.0.0.1", port);
        return false;
    } catch (const std::runtime_error&) {
        return true;
    }
}

inline void send_byte_by_byte(socket_client& client, const std::string& bytes) {
    const int on = 1;
    ::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (char each : bytes) client.send(std::string(1, each));
}

} // namespace tests
