// uring-http --access-log: what stands in the log, and what becomes of it when it cannot be written.

#include <algorithm>
#include <csignal>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"
#include "support/http_server.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"
#include "support/temporary_folder.hpp"

using namespace tests;

namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        if (end == std::string::npos) break;
        at = end + 1;
    }
    return lines;
}

bool is_combined(const std::string& line) {
    static const std::regex form(R"re([^ ]+ - - \[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] )re"
                                 R"re("[^"]*" \d{3} \d+ "[^"]*" "[^"]*")re");
    return std::regex_match(line, form);
}

std::string part_behind_time(const std::string& line) { return line.substr(line.find("] ") + 2); }

/// Requests, each of whose lines has `size` bytes at least, until the server has answered all of them.
void ask_often(const http_server& server, std::size_t count, std::size_t size = 0) {
    socket_client client(server.address(), server.port());
    const std::string request = "HEAD / HTTP/1.1\r\nHost: x\r\nUser-Agent: " + std::string(size, 'a') + "\r\n\r\n";
    constexpr std::size_t at_once = 50;
    for (std::size_t done = 0; done < count; done += at_once) {
        std::string requests;
        for (std::size_t index = 0; index < at_once; ++index) requests += request;
        client.send(requests);
        std::size_t answers = 0;
        while (answers < at_once) {
            const std::string got = client.receive_until("\r\n\r\n");
            REQUIRE(!got.empty());
            for (auto at = got.find("\r\n\r\n"); at != std::string::npos; at = got.find("\r\n\r\n", at + 4)) ++answers;
        }
    }
}

} // namespace

TEST_CASE("every response is a line of the access log, once the server has ended at the latest") {
    const temporary_folder files;
    files.write("page.html", "<p>hello</p>");
    files.write("large", std::string(1'000'000, 'a'));
    http_server server({"--root", files.path().string(), "--access-log", files / "log"});
    const auto ask = [&](const std::string& request) { return server.ask(request); };
    ask("GET /page.html?a=b HTTP/1.1\r\nHost: x\r\nReferer: http://example.org/\r\nUser-Agent: test \"1\"\r\n"
        "Connection: close\r\n\r\n");
    ask("HEAD /page.html HTTP/1.0\r\n\r\n");
    ask("GET /large HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\nConnection: close\r\n\r\n");
    ask("GET /large HTTP/1.0\r\n\r\n");
    const std::string missing = ask("GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string garbage = ask("GET /\n\x01 HTTP/7\r\n\r\n");
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());

    const auto lines = lines_of(text_of(files / "log"));
    for (const std::string& each : lines) {
        INFO(each);
        CHECK(is_combined(each));
        CHECK(each.starts_with("127.0.0.1 - - ["));
    }
    const auto body_size = [](const std::string& answer) {
        return std::to_string(answer.size() - answer.find("\r\n\r\n") - 4);
    };
    REQUIRE(lines.size() == 6);
    CHECK(part_behind_time(lines[0]) ==
          R"("GET /page.html?a=b HTTP/1.1" 200 12 "http://example.org/" "test \x221\x22")");
    CHECK(part_behind_time(lines[1]) == R"("HEAD /page.html HTTP/1.0" 200 0 "-" "-")");
    CHECK(part_behind_time(lines[2]) == R"("GET /large HTTP/1.1" 206 10 "-" "-")");
    CHECK(part_behind_time(lines[3]) == R"("GET /large HTTP/1.0" 200 1000000 "-" "-")");
    CHECK(part_behind_time(lines[4]) == R"("GET /nothing HTTP/1.1" 404 )" + body_size(missing) + R"( "-" "-")");
    CHECK(part_behind_time(lines[5]).find(" 400 " + body_size(garbage)) != std::string::npos);
}

TEST_CASE("a client that goes away before it has its response is in the access log, with what was sent to it") {
    const temporary_folder files;
    files.write("large", std::string(50'000'000, 'a'));
    http_server server({"--root", files.path().string(), "--access-log", files / "log"});
    {
        socket_client client("127.0.0.1", server.port());
        client.shrink_receive_buffer(4096);
        client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(client.receive_until("\r\n\r\n").starts_with(found));
        client.reset();
    }
    CHECK(eventually([&] { return lines_of(text_of(files / "log")).size() == 1; }));
    const auto lines = lines_of(text_of(files / "log"));
    REQUIRE(lines.size() == 1);
    const std::string begin = "\"GET /large HTTP/1.1\" 200 ";
    REQUIRE(part_behind_time(lines[0]).starts_with(begin));
    // The buffers of both sockets take some megabytes that the client never reads.
    CHECK(std::stoul(part_behind_time(lines[0]).substr(begin.size())) < 20'000'000);
    CHECK(server.end() == 0);
}

TEST_CASE("lines of all threads come whole, each once, to a file and to standard output") {
    constexpr std::size_t clients = 8;
    constexpr std::size_t requests = 500;
    const temporary_folder files;
    for (const std::string& where : {std::string("-"), files / "log"}) {
        INFO(where);
        http_server server({"--threads", "3", "--access-log", where});
        std::string output;
        std::thread reading([&] { output = server.program().read_output(); });
        std::vector<std::thread> asking;
        for (std::size_t number = 0; number < clients; ++number)
            asking.emplace_back([&, number] { ask_often(server, requests, 100 + number); });
        for (std::thread& each : asking) each.join();
        CHECK(server.end() == 0);
        reading.join();
        if (where != "-") output = text_of(where);
        std::vector<std::size_t> of_each(clients);
        for (const std::string& line : lines_of(output)) {
            if (where == "-" && !line.starts_with("127.0.0.1 ")) continue; // what is served, with which limits
            REQUIRE(is_combined(line));
            const auto agent = static_cast<std::size_t>(std::count(line.begin(), line.end(), 'a'));
            REQUIRE(agent >= 100);
            REQUIRE(agent < 100 + clients);
            ++of_each[agent - 100];
        }
        for (const std::size_t each : of_each) CHECK(each == requests);
        CHECK(server.program().read_errors().empty());
    }
}

TEST_CASE("the log is appended to, and opened anew on SIGHUP") {
    const temporary_folder files;
    files.write("log", "what was there\n");
    http_server server({"--access-log", files / "log"});
    server.check_alive();
    CHECK(eventually([&] { return lines_of(text_of(files / "log")).size() == 2; }));
    CHECK(text_of(files / "log").starts_with("what was there\n127.0.0.1 - - ["));
    std::filesystem::rename(files / "log", files / "log.1");
    server.check_alive();
    CHECK(eventually([&] { return lines_of(text_of(files / "log.1")).size() == 3; }));
    CHECK_FALSE(std::filesystem::exists(files / "log"));
    server.program().signal(SIGHUP);
    CHECK(eventually([&] { return std::filesystem::exists(files / "log"); }));
    server.check_alive();
    CHECK(server.end() == 0);
    CHECK(lines_of(text_of(files / "log")).size() == 1);
    CHECK(lines_of(text_of(files / "log.1")).size() == 3);
}

TEST_CASE("a log that cannot be opened again is told, and the old file goes on") {
    const temporary_folder files;
    std::filesystem::create_directory(files.path() / "logs");
    http_server server({"--access-log", files / "logs/log"});
    server.check_alive();
    CHECK(eventually([&] { return lines_of(text_of(files / "logs/log")).size() == 1; }));
    std::filesystem::rename(files / "logs", files / "moved");
    server.program().signal(SIGHUP);
    server.check_alive();
    CHECK(server.end() == 0);
    CHECK(lines_of(text_of(files / "moved/log")).size() == 2);
    const std::string errors = server.program().read_errors();
    CHECK(std::count(errors.begin(), errors.end(), '\n') == 1);
    CHECK(errors.find("cannot open the access log '" + (files / "logs/log") + "' again") != std::string::npos);
}

TEST_CASE("a full disk costs lines and one complaint, and nobody an answer") {
    http_server server({"--access-log", "/dev/full"});
    for (int time = 0; time < 5; ++time) ask_often(server, 50);
    server.check_alive();
    CHECK(server.end() == 0);
    const auto errors = lines_of(server.program().read_errors());
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].find("cannot write the access log '/dev/full': No space left on device") != std::string::npos);
    CHECK(errors[1].find("251 lines of the access log '/dev/full' were lost in all") != std::string::npos);
}

TEST_CASE("a reader of the log who goes away, and another who comes") {
    const temporary_folder files;
    const std::string place = files / "log";
    REQUIRE(::mkfifo(place.c_str(), 0600) == 0);
    int reader = ::open(place.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
    http_server server({"--access-log", place});
    ::close(reader);
    server.check_alive();
    const std::string first = server.program().read_error_line().value_or("");
    CHECK(first.find("Broken pipe") != std::string::npos);
    reader = ::open(place.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
    server.check_alive();
    CHECK(server.program().read_error_line().value_or("").find("again; 1 lines were lost") != std::string::npos);
    CHECK(server.end() == 0);
    std::string got(10'000, '\0');
    const auto size = ::read(reader, got.data(), got.size());
    ::close(reader);
    REQUIRE(size > 0);
    got.resize(static_cast<std::size_t>(size));
    CHECK(is_combined(lines_of(got).front()));
}

TEST_CASE("a log that takes nothing holds up nobody: what is lost beyond the bound is counted, and the end is not "
          "waited for") {
    constexpr std::size_t requests = 2'000;
    const temporary_folder files;
    const std::string place = files / "log";
    REQUIRE(::mkfifo(place.c_str(), 0600) == 0);
    const int reader = ::open(place.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); // and never reads
    REQUIRE(reader >= 0);
    http_server server({"--access-log", place, "--drain-timeout", "0.2"});
    ask_often(server, requests, 8'000); // 16 MB, where the bound is 4
    server.check_alive();
    CHECK(server.end() == 0);
    const std::string errors = server.program().read_errors();
    const std::regex told(R"((\d+) lines of the access log .* were lost in all)");
    std::smatch lost;
    REQUIRE(std::regex_search(errors, lost, told));
    CHECK(std::stoul(lost[1]) > requests / 2);
    // What the pipe holds, and what was lost, is all there was.
    std::string kept;
    std::string piece(100'000, '\0');
    for (;;) {
        const auto size = ::read(reader, piece.data(), piece.size());
        if (size <= 0) break;
        kept.append(piece, 0, static_cast<std::size_t>(size));
    }
    ::close(reader);
    const auto whole = static_cast<std::size_t>(std::count(kept.begin(), kept.end(), '\n'));
    CHECK(whole + std::stoul(lost[1]) == requests + 1);
}

TEST_CASE("a log that cannot be opened is one clear line, and nothing is served") {
    const temporary_folder files;
    for (const auto& [where, words] : {std::pair(files / "no/log", "the folder it is to lie in is not there"),
                                       std::pair(files.path().string(), "Is a directory")}) {
        const auto ended = run({program("uring-http"), "--listen", "127.0.0.1:0", "--access-log", where});
        INFO(ended.errors);
        CHECK(ended.code == 1);
        CHECK(ended.output.empty());
        CHECK(std::count(ended.errors.begin(), ended.errors.end(), '\n') == 1);
        CHECK(ended.errors.find("cannot open the access log '" + where) != std::string::npos);
        CHECK(ended.errors.find(words) != std::string::npos);
    }
}
