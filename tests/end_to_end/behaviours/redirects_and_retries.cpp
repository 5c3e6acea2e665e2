// Servers that send elsewhere, and servers that do better the second time.

#include "behaviour.hpp"

#include "../uring_client_support.hpp"

namespace tests {
namespace {

constexpr auto other = curl_does::other;

std::string redirect(int status, const std::string& to, const std::string& body = "") {
    return "HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + to +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// On one connection: a redirect for the first request, the request line for the second.
script sends_elsewhere(int status, const std::string& to) {
    return [text = redirect(status, to, "moved")](conversation& client) {
        client.receive_request();
        client.send(text);
        const std::string request = client.receive_request();
        if (request.empty()) return;
        client.send(
            sized(request.substr(0, request.find("\r\n")) + " " + request.substr(request.find("\r\n\r\n") + 4)));
    };
}

script for_ever() {
    return [](conversation& client) {
        while (!client.receive_request().empty()) client.send(redirect(302, "/again"));
    };
}

void silent(conversation& client) {
    client.receive_request();
    client.wait_for_end();
}

const std::string busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwait";

} // namespace

std::vector<behaviour> redirects_and_retries() {
    const std::vector<std::string> data = {"-L", "-d", "x"};
    const std::vector<std::string> again = {"-s", "--retry", "2", "--retry-delay", "0.01"};
    return {
        {"a redirect that is not followed", {answer(redirect(302, "/x", "moved"))}, {}, "moved"},
        {"301", {sends_elsewhere(301, "/x")}, {"-L"}, "GET /x HTTP/1.1 "},
        {"302 of a POST", {sends_elsewhere(302, "/x")}, data, "GET /x HTTP/1.1 "},
        {"303 of a POST", {sends_elsewhere(303, "/x")}, data, "GET /x HTTP/1.1 "},
        {"307 of a POST", {sends_elsewhere(307, "/x")}, data, "POST /x HTTP/1.1 x"},
        {"308 of a POST", {sends_elsewhere(308, "/x")}, data, "POST /x HTTP/1.1 x"},
        {"302 with -X", {sends_elsewhere(302, "/x")}, {"-L", "-X", "PUT", "-d", "x"}, "PUT /x HTTP/1.1 "},
        {"303 with -X", {sends_elsewhere(303, "/x")}, {"-L", "-X", "PUT", "-d", "x"}, "PUT /x HTTP/1.1 "},
        {"307 with -X", {sends_elsewhere(307, "/x")}, {"-L", "-X", "PUT", "-d", "x"}, "PUT /x HTTP/1.1 x"},
        {"a relative one", {sends_elsewhere(302, "../a/./b?c")}, {"-L"}, "GET /a/b?c HTTP/1.1 "},
        {"a query alone", {sends_elsewhere(302, "?q")}, {"-L"}, "GET /?q HTTP/1.1 "},
        {"with spaces", {sends_elsewhere(302, "/a b")}, {"-L"}, "GET /a%20b HTTP/1.1 "},
        {"both heads, -iL",
         {in_order({answer(redirect(302, "/x", "moved")), answer(sized("there"))})},
         {"-iL"},
         "HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 5\r\n\r\n" + sized("there")},
        {"in a loop", {for_ever()}, {"-L", "--max-redirs", "5"}, "", 47, "5 redirects were followed"},
        {"none allowed", {for_ever()}, {"-L", "--max-redirs", "0"}, "", 47, "0 redirects were followed"},
        {"to another scheme", {answer(redirect(302, "ftp://h/"))}, {"-L"}, "", 3, "bad redirect", other},
        {"to nonsense", {answer(redirect(302, "http://[nonsense"))}, {"-L"}, "", 3, "bad redirect"},
        {"to nowhere", {answer("HTTP/1.1 302 Go\r\nContent-Length: 1\r\n\r\nx")}, {"-L"}, "x"},
        {"busy, then not", {answer(busy), answer(sized("done"))}, again, "done", 0, "", other},
        {"busy for ever", {answer(busy)}, again, "wait", 0, "", other},
        {"busy for ever, -f",
         {answer(busy)},
         {"-sSf", "--retry", "1", "--retry-delay", "0.01"},
         "",
         22,
         "503 Busy",
         other},
        {"busy for longer than there is time",
         {answer(busy), answer(sized("done"))},
         {"-sSf", "--retry", "5", "--retry-delay", "900", "--retry-max-time", "800"},
         "",
         22,
         "503 Busy",
         other},
        {"busy, and time enough",
         {answer(busy), answer(sized("done"))},
         {"-s", "--retry", "5", "--retry-delay", "0.01", "--retry-max-time", "800"},
         "done",
         0,
         "",
         other},
        {"closed, then not",
         {answer(""), answer(sized("done"))},
         {"-s", "--retry", "1", "--retry-delay", "0.01"},
         "done",
         0,
         "",
         other},
        {"cut short, and not taken back",
         {answer(ok + "Content-Length: 9\r\n\r\nabc"), answer(sized("done"))},
         {"-sS", "--retry", "1", "--retry-delay", "0.01"},
         "abc",
         cut_short,
         "cut short",
         other},
        {"silent, then not",
         {silent, answer(sized("done"))},
         {"-s", "--retry", "100", "--retry-delay", "0.01", "-m", "0.3"},
         "done",
         0,
         "",
         other},
        {"silent for ever",
         {silent},
         {"-sS", "--retry", "1", "--retry-delay", "0.01", "-m", "0.2"},
         "",
         timed_out,
         "timed out after 0.2 s (--max-time), waiting for",
         other},
        {"silent for ever, and tried again for a time",
         {silent},
         {"-sS", "--retry", "1000000", "--retry-delay", "0.01", "-m", "0.1", "--retry-max-time", "0.5"},
         "",
         timed_out,
         "timed out after 0.1 s (--max-time), waiting for",
         other},
        {"404 is not tried again",
         {answer("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno")},
         again,
         "no",
         0,
         "",
         other},
        {"malformed is not tried again",
         {answer("garbage garbage\r\n\r\n")},
         {"-sS", "--retry", "5"},
         "",
         malformed,
         "at byte 0",
         other},
        {"tried again since all errors count",
         {answer("garbage garbage\r\n\r\n"), answer(sized("done"))},
         {"-s", "--retry", "1", "--retry-delay", "0.01", "--retry-all-errors"},
         "done",
         0,
         "",
         other},
    };
}

} // namespace tests
