// Exercise 3 of the course: a client that sends a request to a server and prints the response as it comes.

#include <string>
#include <vector>

#include <unistd.h>

#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/run.hpp>

#include "course.hpp"

using namespace tuyau;

namespace {

constexpr auto longest_silence = std::chrono::seconds(10);

constexpr const char* help = R"(Usage: exercise-3 HOST PORT [PATH]

Asks a web server for a page and prints the whole response, head and body, as it comes.

HOST  a name or an address: localhost, 127.0.0.1, ::1
PORT  80 for most web servers, 8080 for exercise-2
PATH  what is asked for: / if left out

Exit codes: 0 the response came, 1 it could not be printed, 2 wrong arguments, 3 unknown name,
4 connection refused or host unreachable, 5 timed out, 6 the connection broke off)";

/// One line that says what failed, with whom, and what to try; gives the exit code.
int give_up(const std::string& what, const std::string& whom, const std::error_code& why) {
    const auto say = [&](const std::string& try_this, int code) {
        return course::complain("cannot " + what + " " + whom + ": " + why.message() + ". " + try_this, code);
    };
    if (why.category() == resolve_category()) return say("Is the name spelled right?", 3);
    if (why == std::errc::timed_out) return say("Is it the right port, and is the server busy?", 5);
    if (why == std::errc::connection_refused) return say("Does a server run there? exercise-2 is one.", 4);
    if (what == "connect to") return say("Is this machine on the network?", 4);
    return say("The server broke off; try again.", 6);
}

task<result<buffer>> receive(tcp_stream& server) { co_return co_await server.receive(); }

task<int> ask(std::string host, std::uint16_t port, std::string path) {
    const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
    const std::string whom = (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);

    auto server = co_await connect(host, port); // socket, connect
    if (!server) co_return give_up("connect to", whom, server.error());

    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + whom + "\r\nConnection: close\r\n\r\n";
    auto sent = co_await server->send(request); // send
    if (!sent) co_return give_up("send to", whom, sent.error());

    for (bool first = true;; first = false) {
        auto piece = co_await with_deadline(longest_silence, receive(*server)); // recv
        if (piece && piece->empty() && first) piece = failure(std::errc::connection_aborted);
        if (!piece) co_return give_up("receive from", whom, piece.error());
        if (piece->empty()) break; // the server has closed its end: that was all
        auto printed = co_await write_all(STDOUT_FILENO, piece->bytes());
        if (!printed) co_return course::complain("cannot print: " + printed.error().message(), course::failed);
    }
    server->close(); // close
    co_return 0;
}

} // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) return course::say(help), 0;
    if (words.size() < 2 || words.size() > 3)
        return course::complain("HOST and PORT are needed, a PATH may follow; --help says more", course::wrong_use);
    const auto port = course::parse_port(words[1]);
    if (!port || *port == 0)
        return course::complain("'" + words[1] + "' is no port, a number from 1 to 65535; --help says more",
                                course::wrong_use);
    const std::string path = words.size() == 3 ? words[2] : "/";
    if (!path.starts_with('/') || path.find_first_of(" \t\r\n") != std::string::npos)
        return course::complain("the PATH starts with / and has no spaces; --help says more", course::wrong_use);
    return tuyau::run(ask(words[0], *port, path));
}
