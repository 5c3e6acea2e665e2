// Servers that go away: closed and reset at each stage, and silent ones.

#include "behaviour.hpp"

#include "../uring_client_support.hpp"

namespace tests {
namespace {

constexpr auto other = curl_does::other;

script reset_after(std::string response) {
    return [text = std::move(response)](conversation& client) {
        client.receive_request();
        if (!text.empty()) client.send(text);
        client.reset();
    };
}

/// Says this, and then nothing until the client has enough.
script silent_after(std::string response) {
    return [text = std::move(response)](conversation& client) {
        client.receive_request();
        if (!text.empty()) client.send(text);
        client.wait_for_end();
    };
}

script closed_at_once() {
    return [](conversation& client) { client.shutdown_send(); };
}

} // namespace

std::vector<behaviour> broken_connections() {
    const std::string half = ok + "Content-Length: 10\r\n\r\nabc";
    return {
        {"closed without a word", {answer("")}, {}, "", empty_reply, "empty reply"},
        {"closed before the request is there", {closed_at_once()}, {}, "", empty_reply, "empty reply"},
        {"closed after an interim response",
         {answer("HTTP/1.1 100 Continue\r\n\r\n")},
         {},
         "",
         empty_reply,
         "empty reply"},
        {"closed in the status line", {answer("HTTP/1.")}, {}, "", cut_short, "cut short at byte 7", other},
        {"closed in the head", {answer(ok + "Conte")}, {}, "", cut_short, "cut short at byte 22", other},
        {"closed before the empty line", {answer(ok + "Content-Length: 0\r\n")}, {}, "", cut_short, "cut short", other},
        {"reset without a word", {reset_after("")}, {}, "", receive_failed, "Connection reset by peer"},
        {"reset in the head", {reset_after(ok + "Conte")}, {}, "", receive_failed, "after 22 bytes", other},
        {"reset in a sized body", {reset_after(half)}, {}, "abc", receive_failed, "after 42 bytes"},
        {"reset in a chunk", {reset_after(chunked + "5\r\nab")}, {}, "ab", receive_failed, "reset by peer"},
        {"reset in a body that the connection ends",
         {reset_after(ok + "\r\nabc")},
         {},
         "abc",
         receive_failed,
         "reset by peer"},
        {"silent", {silent_after("")}, {"-m", "0.3"}, "", timed_out, "timed out after 0.3 s"},
        {"silent in the head", {silent_after(ok + "X")}, {"-m", "0.3"}, "", timed_out, "18 bytes of its response came"},
        {"silent in the body", {silent_after(half)}, {"-m", "0.3"}, "abc", timed_out, "42 bytes of its response came"},
        {"silent after an interim response",
         {silent_after("HTTP/1.1 100 Continue\r\n\r\n")},
         {"-m", "0.3"},
         "",
         timed_out,
         "25 bytes"},
        {"silent behind the whole", {silent_after(sized("x"))}, {"-m", "30"}, "x"},
        {"silent behind the last chunk", {silent_after(chunked + "1\r\nx\r\n0\r\n\r\n")}, {"-m", "30"}, "x"},
        {"silent behind 204", {silent_after("HTTP/1.1 204 No\r\n\r\n")}, {"-m", "30"}, ""},
        {"silent behind the head of HEAD",
         {silent_after(ok + "Content-Length: 9\r\n\r\n")},
         {"-I", "-m", "30"},
         ok + "Content-Length: 9\r\n\r\n"},
        {"silent behind 404 with -f",
         {silent_after("HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nabc")},
         {"-f", "-m", "30"},
         "",
         22,
         "answers 404 No"},
    };
}

} // namespace tests
