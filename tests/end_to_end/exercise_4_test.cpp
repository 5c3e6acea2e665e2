// Exercise 4: the chat room.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "exercises_support.hpp"

using namespace tests;

namespace {

/// Somebody in the chat room of exercise 4.
class guest {
public:
    explicit guest(std::uint16_t port) : socket("127.0.0.1", port) {
        welcome = line();
        const std::string start = "* welcome, you are ";
        REQUIRE(welcome.starts_with(start));
        name = welcome.substr(start.size(), welcome.find(';') - start.size());
    }

    void say(const std::string& text) { socket.send(text + "\n"); }

    /// The next line; empty at the end of the stream.
    std::string line() {
        for (;;) {
            const auto end = unread_.find('\n', start_);
            if (end != std::string::npos) {
                std::string found = unread_.substr(start_, end - start_);
                start_ = end + 1;
                return found;
            }
            unread_.erase(0, start_);
            start_ = 0;
            const std::string more = socket.receive();
            if (more.empty()) return {};
            unread_ += more;
        }
    }

    /// The next line that somebody said, not the room.
    std::string said() {
        std::string next;
        do {
            next = line();
        } while (next.starts_with("* "));
        return next;
    }

    /// The next line that the room itself says.
    std::string news() {
        std::string next;
        do {
            next = line();
        } while (!next.empty() && !next.starts_with("* "));
        return next;
    }

    socket_client socket;
    std::string welcome;
    std::string name;

private:
    std::string unread_;
    std::size_t start_ = 0;
};

/// Waits until the room has let go of those who left.
bool comes_down_to(running& room, std::size_t descriptors) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (room.program.descriptors() != descriptors) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::yield();
    }
    return true;
}

} // namespace

TEST_CASE("exercise 4 passes on what one client says to all the others, and tells who comes and goes") {
    running room("exercise-4");
    const std::string port = std::to_string(room.port);
    CHECK(room.first_line == "Chat on 127.0.0.1:" + port + ", for instance with: nc 127.0.0.1 " + port);
    guest one(room.port);
    CHECK(one.name == "client 1");
    CHECK(room.program.read_line() == "client 1 came");
    guest two(room.port);
    guest three(room.port);
    CHECK(one.line() == "* client 2 came");
    CHECK(one.line() == "* client 3 came");
    CHECK(two.line() == "* client 3 came");
    one.say("hello");
    CHECK(two.line() == "client 1: hello");
    CHECK(three.line() == "client 1: hello");
    send_byte_by_byte(two.socket, "byte by byte, with a carriage return\r\n");
    CHECK(one.line() == "client 2: byte by byte, with a carriage return"); // nobody hears oneself
    CHECK(three.line() == "client 2: byte by byte, with a carriage return");
    two.socket.shutdown_send();
    CHECK(two.line().empty());
    CHECK_FALSE(two.socket.was_reset());
    CHECK(one.line() == "* client 2 left");
    CHECK(three.line() == "* client 2 left");
    guest four(room.port);
    CHECK(four.welcome == "* welcome, you are client 4; here with you: 2");
    CHECK(one.line() == "* client 4 came");
    for (const std::string line : {"client 2 came", "client 3 came", "client 2 left", "client 4 came"})
        CHECK(room.program.read_line() == line);
    CHECK(room.end_by(SIGTERM) == 0);
    CHECK(one.line().empty());
    CHECK(room.program.read_output().empty());
    CHECK(room.program.read_errors().empty());
    CHECK(is_refused(room.port));
}

TEST_CASE("in exercise 4 fifty clients at once each get all the others' lines, whole and in order") {
    constexpr int guests = 50;
    constexpr int lines = 60; // from all the others together, more than an outbox holds
    running room("exercise-4");
    const std::size_t before = room.program.descriptors();
    std::vector<std::unique_ptr<guest>> all;
    for (int i = 0; i < guests; ++i) all.push_back(std::make_unique<guest>(room.port));

    std::vector<std::map<std::string, std::vector<std::string>>> heard(guests);
    std::vector<std::string> failures(guests);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < guests; ++i) {
        threads.emplace_back([&, i] {
            try {
                guest& me = *all[i];
                std::string words;
                for (int k = 0; k < lines; ++k) words += "line " + std::to_string(k) + " of " + me.name + "\n";
                me.socket.send(words);
                for (int k = 0; k < lines * (guests - 1); ++k) {
                    const std::string line = me.said();
                    const auto colon = line.find(": ");
                    heard[i][line.substr(0, colon)].push_back(line.substr(colon + 2));
                }
            } catch (const std::exception& error) {
                failures[i] = error.what();
            }
        });
    }
    for (std::thread& each : threads) each.join();

    for (std::size_t i = 0; i < guests; ++i) {
        CHECK(failures[i].empty());
        CHECK(heard[i].size() == guests - 1);
        CHECK(heard[i].count(all[i]->name) == 0);
        for (const auto& [name, words] : heard[i]) {
            std::vector<std::string> expected;
            for (int k = 0; k < lines; ++k) expected.push_back("line " + std::to_string(k) + " of " + name);
            CHECK(words == expected);
        }
    }
    all.clear();
    CHECK(comes_down_to(room, before));
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 five hundred clients come at once, and nobody who reads is dropped") {
    constexpr int guests = 500;
    running room("exercise-4");
    std::vector<std::unique_ptr<socket_client>> all;
    for (int i = 0; i < guests; ++i) all.push_back(std::make_unique<socket_client>("127.0.0.1", room.port));
    for (int i = 0; i < guests; ++i) CHECK(room.program.read_line() == "client " + std::to_string(i + 1) + " came");
    all.back()->send("hello\n");
    const std::string last = "client " + std::to_string(guests) + ": hello\n";
    for (int i = 0; i < guests - 1; ++i) CHECK(all[static_cast<std::size_t>(i)]->receive_until(last).ends_with(last));
    CHECK(room.end_by(SIGTERM) == 0);
    CHECK(room.program.read_output().empty()); // so nobody had left
}

TEST_CASE("in exercise 4 a client that never reads is dropped at a bound, while the others go on") {
    running room("exercise-4");
    guest speaker(room.port);
    guest listener(room.port);
    guest deaf(room.port);
    CHECK(listener.line() == "* client 3 came");

    const std::string filling(900, 'x');
    std::string dropped;
    int number = 0;
    // Far more than the kernel's two buffers and the room's own hold. The listener follows, so that it is never behind.
    while (dropped.empty() && number < 100'000) {
        std::string words;
        for (int i = 0; i < 50; ++i) words += std::to_string(number + i) + " " + filling + "\n";
        speaker.socket.send(words);
        for (int i = 0; i < 50; ++number) {
            std::string line = listener.line();
            if (line.starts_with("* ")) {
                dropped = line;
                --number;
                continue;
            }
            if (line != "client 1: " + std::to_string(number) + " " + filling) FAIL("lost a line: " + line);
            ++i;
        }
    }
    CHECK(dropped == "* client 3 left, dropped: it does not read what is sent to it");
    CHECK(speaker.news() == "* client 2 came");
    CHECK(speaker.news() == "* client 3 came");
    CHECK(speaker.news() == dropped);
    speaker.say("still here");
    CHECK(listener.said() == "client 1: still here");
    const std::string rest = deaf.socket.receive_all(); // what the kernel had, then the end
    CHECK(rest.size() < static_cast<std::size_t>(number) * filling.size());
    guest next(room.port);
    CHECK(next.name == "client 4");
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 a long text pasted at once reaches a reader whole") {
    running room("exercise-4");
    guest speaker(room.port);
    guest reader(room.port);
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + "\n"; // many more lines than an outbox holds
    std::thread paste([&] { speaker.socket.send(text); });
    int in_order = 0;
    while (in_order < 20'000 && reader.said() == "client 1: " + std::to_string(in_order)) ++in_order;
    paste.join();
    CHECK(in_order == 20'000);
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 a line that is too long drops its sender with a word") {
    running room("exercise-4");
    guest speaker(room.port);
    guest reader(room.port);
    const std::string longest(1000, 'y');
    speaker.say(longest);
    CHECK(reader.said() == "client 1: " + longest);
    speaker.say(longest + "y");
    CHECK(reader.news() == "* client 1 left, dropped: its line was longer than 1000 bytes");
    CHECK(speaker.line() == "* client 2 came");
    CHECK(speaker.line() == "* good-bye: a line may have 1000 bytes");
    CHECK(speaker.line().empty());
    // No end of a line at all, and more behind it than the room reads: the word arrives all the same.
    guest endless(room.port);
    endless.socket.send(std::string(300'000, 'z'));
    CHECK(reader.news() == "* client 3 came");
    CHECK(reader.news() == "* client 3 left, dropped: its line was longer than 1000 bytes");
    CHECK(endless.line() == "* good-bye: a line may have 1000 bytes");
    endless.socket.shutdown_send();
    CHECK(endless.line().empty());
    CHECK_FALSE(endless.socket.was_reset());
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE("in exercise 4 a client that is cut off has left, and others do not notice more") {
    running room("exercise-4");
    const std::size_t before = room.program.descriptors();
    {
        guest speaker(room.port);
        guest reader(room.port);
        speaker.socket.send("half a line");
        speaker.socket.reset();
        std::string line = reader.line();
        if (line == "client 1: half a line") line = reader.line(); // it may have come before the cut
        CHECK(line == "* client 1 left");
        reader.say("alone");
        guest next(room.port);
        CHECK(reader.line() == "* client 3 came");
        next.say("hello");
        CHECK(reader.line() == "client 3: hello");
    }
    CHECK(comes_down_to(room, before));
    CHECK(room.end_by(SIGTERM) == 0);
}

TEST_CASE(
    "in exercise 4 the last words of a client that half-closes are heard, and it hears what was said until then") {
    running room("exercise-4");
    guest one(room.port);
    guest two(room.port);
    guest three(room.port);
    CHECK(two.line() == "* client 3 came");
    two.say("this is for you");
    CHECK(three.said() == "client 2: this is for you"); // so it is in everyone's outbox
    one.socket.send("good night");                      // without the end of a line
    one.socket.shutdown_send();
    CHECK(two.line() == "client 1: good night");
    CHECK(two.line() == "* client 1 left");
    CHECK(one.socket.receive_all().find("client 2: this is for you\n") != std::string::npos);
    CHECK_FALSE(one.socket.was_reset());
    CHECK(room.end_by(SIGINT) == 0);
}

TEST_CASE("exercise 4 ends cleanly in the middle of everything") {
    running room("exercise-4");
    guest speaker(room.port);
    guest deaf(room.port);
    guest leaving(room.port);
    leaving.socket.shutdown_send();
    // Sends are under way, outboxes are filling, and lines keep coming.
    const std::string text(900, 'x');
    std::string words;
    for (int i = 0; i < 3000; ++i) words += text + "\n";
    std::thread flood([&] {
        try {
            for (;;) speaker.socket.send(words);
        } catch (const std::exception&) {
            // The room has ended.
        }
    });
    CHECK(deaf.said() == "client 1: " + text);
    CHECK(room.end_by(SIGTERM) == 0);
    flood.join();
    CHECK(room.program.read_errors().empty());
}
