// Files that are replaced, cut, lengthened and removed while many clients ask for them.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "support/http_server.hpp"
#include "support/socket.hpp"
#include "support/temporary_folder.hpp"

using namespace tests;

namespace {

/// A file whose versions are each of one letter alone, so that whoever has two of them together has something wrong.
class changing_file {
public:
    changing_file(std::string place, std::size_t size) : place_(std::move(place)), size_(size) { replace(); }

    void change(std::minstd_rand& random) {
        switch (random() % 5) {
        case 0: return replace();
        case 1: return write_anew();
        case 2: return grow();
        case 3: return shrink(size_ / (1 + random() % 10));
        default: std::filesystem::remove(place_); return replace();
        }
    }

    void replace() {
        next_letter();
        std::ofstream(place_ + ".new") << std::string(size_, letter_);
        std::filesystem::rename(place_ + ".new", place_);
    }

    char letter() const { return letter_; }
    std::size_t size() const { return size_; }

private:
    void next_letter() { letter_ = letter_ == 'z' ? 'a' : static_cast<char>(letter_ + 1); }

    /// In its place: it is cut to nothing, then grows in steps.
    void write_anew() {
        next_letter();
        std::ofstream file(place_, std::ios::trunc);
        for (int step = 0; step < 10; ++step) file << std::string(size_ / 10, letter_) << std::flush;
    }

    /// Never longer: what would be added is another letter, a zero.
    void shrink(std::size_t size) {
        std::filesystem::resize_file(place_, std::min<std::uintmax_t>(size, std::filesystem::file_size(place_)));
    }

    void grow() { std::ofstream(place_, std::ios::app) << std::string(1000, letter_); }

    std::string place_;
    std::size_t size_;
    char letter_ = 'a';
};

struct outcomes {
    std::atomic<std::size_t> whole = 0;
    std::atomic<std::size_t> broken_off = 0;
    std::atomic<std::size_t> wrong = 0;
    std::atomic<std::size_t> lost = 0; // no answer at all
};

/// Asks on one connection after another, and looks at each answer that claims to be whole.
void ask(const http_server& server, std::size_t count, unsigned seed, outcomes& seen) {
    std::minstd_rand random(seed);
    const std::vector<std::string> requests{"GET /small HTTP/1.1\r\nHost: x\r\n\r\n",
                                            "GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
                                            "GET /large HTTP/1.1\r\nHost: x\r\nRange: bytes=1000-\r\n\r\n",
                                            "GET /small HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9,-5\r\n\r\n"};
    for (std::size_t done = 0; done < count;) {
        socket_client client(server.address(), server.port());
        for (bool open = true; open && done < count; ++done) {
            const std::string& request = requests[random() % requests.size()];
            client.send(request);
            std::string answer = client.receive_until("\r\n\r\n");
            if (answer.find("\r\n\r\n") == std::string::npos) {
                ++seen.lost;
                break;
            }
            const std::size_t head = answer.find("\r\n\r\n") + 4;
            const std::size_t size = response_size(answer);
            open = answer.find("\r\nConnection: close") > head;
            if (answer.size() < size) answer += client.receive_exactly(size - answer.size());
            if (answer.size() < size) {
                ++seen.broken_off;
                break;
            }
            ++seen.whole;
            const bool good = answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 206");
            if (!good) continue; // 404 while it is away, 416 while it is short
            const std::string body = answer.substr(head);
            const bool parts = answer.find("multipart/byteranges") < head;
            const bool same = parts || std::count(body.begin(), body.end(), body.empty() ? ' ' : body.front()) ==
                                           static_cast<std::ptrdiff_t>(body.size());
            if (!same || answer.size() != size) ++seen.wrong;
        }
    }
}

} // namespace

TEST_CASE(
    "of files that change under load nothing wrong is presented as whole, and in the end all is as it should be") {
    constexpr std::size_t clients = 4;
    constexpr std::size_t requests = 400;
    const temporary_folder files;
    changing_file small(files / "small", 5'000);
    changing_file large(files / "large", 2'000'000);
    http_server server({"--root", files.path().string(), "--threads", "2"});
    outcomes seen;
    std::atomic<std::size_t> at_work = clients;
    std::vector<std::thread> asking;
    for (unsigned number = 0; number < clients; ++number) {
        asking.emplace_back([&, number] {
            ask(server, requests, number + 1, seen);
            --at_work;
        });
    }
    std::minstd_rand random(1);
    while (at_work != 0) {
        small.change(random);
        large.change(random);
    }
    for (std::thread& each : asking) each.join();
    CHECK(seen.wrong == 0);
    CHECK(seen.lost == 0);
    CHECK(seen.whole > 0);
    CAPTURE(seen.whole.load(), seen.broken_off.load());

    // What was put there last is what is served, as soon as the server has looked again.
    small.replace();
    large.replace();
    for (const auto& [target, file] : {std::pair("/small", &small), std::pair("/large", &large)}) {
        std::string body;
        const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        do {
            const std::string answer =
                server.ask("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            body = answer.substr(answer.find("\r\n\r\n") + 4);
        } while (body != std::string(file->size(), file->letter()) && std::chrono::steady_clock::now() < until);
        CHECK(body == std::string(file->size(), file->letter()));
    }
    CHECK(server.end() == 0);
    CHECK(server.program().read_errors().empty());
}
