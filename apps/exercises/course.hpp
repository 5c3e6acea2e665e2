#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/line_reader.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

/// What the exercises share and the course does not teach: arguments, messages, the words of HTTP, and patience.
namespace course {

using namespace std::chrono_literals;
using tuyau::failure;
using tuyau::result;
using tuyau::task;
using tuyau::tcp_stream;

inline constexpr int failed = 1; ///< exit codes
inline constexpr int wrong_use = 2;

inline constexpr std::uint16_t usual_port = 8080;

/// Prints one line at once, also when the output goes to a file or to another program.
inline void say(const std::string& line) { std::cout << line << std::endl; }

/// Prints one line on standard error, after the program's name; gives `code`, for main() to return.
inline int complain(const std::string& line, int code) {
    std::cerr << program_invocation_short_name << ": " << line << std::endl;
    return code;
}

/// A decimal number from 0 to 65535.
inline std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto where = tuyau::endpoint::parse("0.0.0.0:" + std::string(text));
    if (!where) return std::nullopt;
    return where->port();
}

/// The [PORT] of a server's command line. Ends the program itself if help is asked for, or something is wrong.
inline std::uint16_t port_argument(int count, char** arguments, const std::string& purpose) {
    const std::string program = program_invocation_short_name;
    const std::string first = count > 1 ? arguments[1] : "";
    if (first == "--help" || first == "-h") {
        say("Usage: " + program + " [PORT]\n\n" + purpose + "\n\nPORT  where it listens on 127.0.0.1: " +
            std::to_string(usual_port) + " if left out; with 0 the system picks one that is free");
        std::exit(EXIT_SUCCESS);
    }
    const auto port = count > 1 ? parse_port(first) : usual_port;
    if (count > 2) std::exit(complain("too many arguments, one port is enough; --help says more", wrong_use));
    if (!port) std::exit(complain("'" + first + "' is no port, a number from 0 to 65535; --help says more", wrong_use));
    return *port;
}

/// Says why there is no listening socket, and what to do; gives the exit code.
inline int cannot_listen(const tuyau::endpoint& where, const std::error_code& why) {
    const std::string remedy =
        why == std::errc::address_in_use
            ? "Another program uses this port: end it, or try another port, or 0 for any that is free."
            : "Try another port, or 0 for any that is free.";
    return complain("cannot listen on " + where.to_string() + ": " + why.message() + ". " + remedy, failed);
}

/// A whole HTTP/1.1 response (RFC 9112, section 2.1): each line ends with CR LF, and a blank one comes before the body.
inline std::string http_response(std::string_view status, std::string_view type, std::string_view body) {
    return std::string("HTTP/1.1 ")
        .append(status)
        .append("\r\n")
        .append("Content-Type: ")
        .append(type)
        .append("\r\n")
        .append("Content-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n")
        .append("Connection: close\r\n")
        .append("\r\n")
        .append(body);
}

/// The page. Its empty icon keeps the browser from asking for /favicon.ico.
inline const std::string page = http_response("200 OK", "text/html; charset=utf-8", R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Hello World!</title>
<link rel="icon" href="data:,">
<style>
  body { display: grid; place-content: center; min-height: 100vh; margin: 0; text-align: center;
         font-family: system-ui, sans-serif; color: #10324a; background: #e8f3f8; }
</style>
<h1>Hello World!</h1>
<p>This page came through a TCP socket.</p>
</html>
)");

inline const std::string no_icon = http_response("404 Not Found", "text/plain; charset=utf-8", "There is no icon.\n");

/// Whether `request` asks for the icon that browsers look for on their own account.
inline bool asks_for_icon(std::string_view request) { return request.find(" /favicon.ico ") != std::string_view::npos; }

/// How long a client may keep the others waiting. Browsers open connections ahead of need and leave them idle.
inline constexpr auto patience = 2s;

/// A request's first line, once the blank line that ends the request is there too.
inline task<result<std::string>> receive_request(tcp_stream& client) {
    tuyau::line_reader lines(client);
    auto first = co_await lines.next();
    auto line = first;
    while (line && !line->empty()) line = co_await lines.next();
    if (!line) co_return failure(line.error());
    co_return first;
}

inline task<> receive_to_the_end(tcp_stream& client) {
    auto rest = co_await client.receive();
    while (rest && !rest->empty()) rest = co_await client.receive();
}

/// Says "that was all" (shutdown), waits a little for the client to say so too, and closes. Closed with bytes unread, a
/// socket answers with a reset, which may destroy on its way what was sent.
inline task<> hang_up(tcp_stream& client) {
    client.shutdown_send();
    co_await tuyau::with_deadline(patience, receive_to_the_end(client));
    client.close();
}

} // namespace course
