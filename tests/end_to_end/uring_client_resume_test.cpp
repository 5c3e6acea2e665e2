#include <csignal>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/scripted_server.hpp"
#include "uring_client_support.hpp"

using namespace tests;

namespace {

constexpr std::size_t size = 100'000;
constexpr std::size_t half = 40'000;

std::string head(const std::string& validators, std::size_t length = size, const std::string& status = "200 OK") {
    return "HTTP/1.1 " + status + "\r\n" + validators + "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

const std::string tag = "ETag: \"one\"\r\n";
const std::string content_range = "Content-Range: bytes 40000-99999/100000\r\n";

/// Tells what it was asked, and answers.
struct asked_server {
    explicit asked_server(std::vector<std::string> answers) : server(scripts(std::move(answers))) {}

    std::vector<script> scripts(std::vector<std::string> answers) {
        std::vector<script> all;
        for (std::string& each : answers)
            all.push_back([this, text = std::move(each)](conversation& client) {
                requests.push_back(client.receive_request());
                client.send(text);
            });
        return all;
    }

    std::vector<std::string> requests;
    scripted_server server; // last: its threads use the above
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// What is left of a transfer, and a second one that goes on with it until its server is told to send the end.
class going_on {
public:
    explicit going_on(std::vector<script> afterwards = {}) : server_(scripts(std::move(afterwards))) {
        CHECK(run(command()).code == cut_short);
        second_.emplace(command({"-C", "-"}));
        is_asked_.get_future().wait_for(patience);
    }

    std::vector<std::string> command(std::vector<std::string> options = {}) const {
        options.insert(options.end(), {"-o", path(), server_.url()});
        return ours(options);
    }

    /// Its exit code.
    int end() {
        may_end_.set_value();
        return second_->wait();
    }

    std::string errors() { return second_->read_errors(); }
    std::string path() const { return folder_ / "file"; }
    const temporary_folder& folder() const { return folder_; }

private:
    std::vector<script> scripts(std::vector<script> afterwards) {
        std::vector<script> all = {answer(head(tag) + pattern(0, half)), [this](conversation& client) {
                                       client.receive_request();
                                       is_asked_.set_value();
                                       may_end_.get_future().wait_for(patience);
                                       client.send(head(tag + content_range, size - half, "206 Partial") +
                                                   pattern(half, size - half));
                                   }};
        all.insert(all.end(), afterwards.begin(), afterwards.end());
        return all;
    }

    temporary_folder folder_;
    std::promise<void> is_asked_;
    std::promise<void> may_end_;
    scripted_server server_;
    std::optional<process> second_;
};

} // namespace

TEST_CASE("uring-client -C - goes on with what an interrupted transfer has left") {
    temporary_folder folder;
    asked_server here({head(tag) + pattern(0, half),
                       head(tag + content_range, size - half, "206 Partial") + pattern(half, size - half)});
    const auto command = ours({"-o", folder / "file", "-C", "-", here.server.url()});
    const outcome cut = run(command);
    CHECK(cut.code == cut_short);
    CHECK(same(contents(folder / "file.part"), pattern(0, half)));
    CHECK(contents(folder / "file.part.from") == here.server.url() + "\n\"one\"\n");
    CHECK(run(command).code == done);
    CHECK(same(contents(folder / "file"), pattern(0, size)));
    CHECK(folder.files() == 1);
    CHECK(has(here.requests[1], "\r\nRange: bytes=40000-\r\nIf-Range: \"one\"\r\n"));
    CHECK(here.server.failures().empty());
}

TEST_CASE("uring-client -C - begins anew when the page is another one") {
    temporary_folder folder;
    asked_server here({head(tag) + pattern(0, half), head("ETag: \"two\"\r\n") + pattern(7, size)});
    const auto command = ours({"-o", folder / "file", "-C", "-", here.server.url()});
    CHECK(run(command).code == cut_short);
    CHECK(run(command).code == done);
    CHECK(same(contents(folder / "file"), pattern(7, size)));
    CHECK(folder.files() == 1);
}

TEST_CASE("uring-client -C - takes no bytes that do not belong there, and keeps what it had") {
    for (const std::string& wrong :
         {head(tag + "Content-Range: bytes 30000-99999/100000\r\n", size - half, "206 Partial"),
          head(tag + "Content-Range: bytes 40000-99999/200000\r\n", size - half, "206 Partial"),
          head(tag + "Content-Range: bytes 40000-99999/*\r\n", size - half, "206 Partial"),
          head(tag + "Content-Range: bytes 40000-49999/*\r\n", 10'000, "206 Partial"),
          head(tag + content_range, 10'000, "206 Partial"), head(tag, size - half, "206 Partial"),
          head("ETag: \"two\"\r\n" + content_range, size - half, "206 Partial"),
          head("ETag: W/\"one\"\r\n" + content_range, size - half, "206 Partial"), head(tag, 5, "404 Not Found"),
          head(tag + "Content-Range: bytes */50000\r\n", 0, "416 Range")}) {
        INFO(wrong);
        temporary_folder folder;
        asked_server here({head(tag) + pattern(0, half), wrong + pattern(half, size - half),
                           head(tag + content_range, size - half, "206 Partial") + pattern(half, size - half)});
        const auto command = ours({"-o", folder / "file", "-C", "-", here.server.url()});
        CHECK(run(command).code == cut_short);
        const outcome refused = run(command);
        CHECK(refused.code == 33);
        check_one_line(refused, "does not go on at byte 40000");
        CHECK(same(contents(folder / "file.part"), pattern(0, half)));
        CHECK(run(command).code == done);
        CHECK(same(contents(folder / "file"), pattern(0, size)));
    }
}

TEST_CASE("uring-client -C - takes no bytes of a page of another date") {
    const std::string dated = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 09:49:37 GMT\r\n";
    const std::string later = "Last-Modified: Sun, 06 Nov 1994 09:00:00 GMT\r\nDate: Sun, 06 Nov 1994 09:49:37 GMT\r\n";
    const std::string rest = pattern(half, size - half);
    temporary_folder folder;
    asked_server here({head(dated) + pattern(0, half), head(later + content_range, size - half, "206 Partial") + rest,
                       head(dated + content_range, size - half, "206 Partial") + rest});
    const auto command = ours({"-o", folder / "file", "-C", "-", here.server.url()});
    CHECK(run(command).code == cut_short);
    const outcome refused = run(command);
    CHECK(refused.code == 33);
    check_one_line(refused, "does not go on at byte 40000");
    CHECK(same(contents(folder / "file.part"), pattern(0, half)));
    CHECK(run(command).code == done);
    CHECK(same(contents(folder / "file"), pattern(0, size)));
    CHECK(here.requests[2].find("If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n") != std::string::npos);
}

TEST_CASE("uring-client -C - takes a rest for whole when it is as long as was said, and not before") {
    const std::string partial = "HTTP/1.1 206 Partial\r\n" + tag + content_range;
    temporary_folder folder;
    asked_server here({head(tag) + pattern(0, half), partial + "\r\n" + pattern(half, size - half) + "more",
                       partial + "Transfer-Encoding: chunked\r\n\r\n2710\r\n" + pattern(half, 10'000) + "\r\n0\r\n\r\n",
                       "HTTP/1.1 206 Partial\r\n" + tag + "Content-Range: bytes 50000-99999/100000\r\n\r\n" +
                           pattern(half + 10'000, size - half - 10'000)});
    const auto command = ours({"-o", folder / "file", "-C", "-", here.server.url()});
    CHECK(run(command).code == cut_short);
    const outcome more = run(command);
    CHECK(more.code == 33);
    check_one_line(more, "it sends more than the 60000 bytes that are missing");
    CHECK(same(contents(folder / "file.part"), pattern(0, half)));
    const outcome less = run(command);
    CHECK(less.code == cut_short);
    check_one_line(less, "ended after 10000 of the 60000 bytes");
    CHECK(same(contents(folder / "file.part"), pattern(0, half + 10'000)));
    CHECK(run(command).code == done);
    CHECK(same(contents(folder / "file"), pattern(0, size)));
    CHECK(folder.files() == 1);
}

TEST_CASE("uring-client -C - knows when all was there already, and goes on more than once") {
    temporary_folder folder;
    asked_server here(
        {head(tag) + pattern(0, half), "",
         head(tag + "Content-Range: bytes 40000-99999/100000\r\n", size - half, "206 Partial") + pattern(half, 10'000),
         head(tag + "Content-Range: bytes */50000\r\n", 0, "416 Range")});
    const auto command = ours({"-o", folder / "file", "-C", "-", here.server.url()});
    CHECK(run(command).code == cut_short);
    CHECK(run(command).code == empty_reply);
    CHECK(same(contents(folder / "file.part"), pattern(0, half)));
    CHECK(run(command).code == cut_short);
    CHECK(same(contents(folder / "file.part"), pattern(0, half + 10'000)));
    CHECK(run(command).code == done);
    CHECK(same(contents(folder / "file"), pattern(0, half + 10'000)));
    CHECK(folder.files() == 1);
}

TEST_CASE("uring-client leaves no part that nobody could go on with safely") {
    for (const std::string& validators :
         {std::string(), std::string("ETag: W/\"weak\"\r\n"), tag + "Accept-Ranges: none\r\n",
          std::string("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n")}) {
        INFO(validators);
        temporary_folder folder;
        asked_server here({head(validators) + pattern(0, half)});
        CHECK(run(ours({"-o", folder / "file", here.server.url()})).code == cut_short);
        CHECK(folder.empty());
    }
    temporary_folder folder;
    asked_server here({head("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 09:49:37 GMT\r\n") +
                       pattern(0, half)});
    CHECK(run(ours({"-o", folder / "file", here.server.url()})).code == cut_short);
    CHECK(contents(folder / "file.part.from") == here.server.url() + "\nSun, 06 Nov 1994 08:49:37 GMT\n");
}

TEST_CASE("uring-client --retry goes on with a file where it broke off") {
    temporary_folder folder;
    asked_server here({head(tag) + pattern(0, half),
                       head(tag + content_range, size - half, "206 Partial") + pattern(half, size - half)});
    const outcome got = run(ours({"-o", folder / "file", "--retry", "1", "--retry-delay", "0.01", here.server.url()}));
    CHECK(got.code == done);
    check_one_line(got, "trying again in 0.01 s");
    CHECK(same(contents(folder / "file"), pattern(0, size)));
    CHECK(folder.files() == 1);
}

TEST_CASE("uring-client --retry goes on behind a rest that ended early without a Content-Length") {
    const std::string partial = "HTTP/1.1 206 Partial\r\n" + tag + "Content-Range: bytes ";
    temporary_folder folder;
    asked_server here({head(tag) + pattern(0, half), partial + "40000-99999/100000\r\n\r\n" + pattern(half, 10'000),
                       partial + "50000-99999/100000\r\n\r\n" + pattern(half + 10'000, size - half - 10'000)});
    CHECK(run(ours({"-o", folder / "file", "--retry", "2", "--retry-delay", "0.01", here.server.url()})).code == done);
    CHECK(same(contents(folder / "file"), pattern(0, size)));
    CHECK(has(here.requests[2], "\r\nRange: bytes=50000-\r\nIf-Range: \"one\"\r\n"));
}

TEST_CASE("uring-client leaves a part alone while another one goes on with it") {
    going_on other({answer(head("ETag: \"two\"\r\n") + pattern(7, half + 1))});
    const outcome busy = run(other.command({"-C", "-"}));
    CHECK(busy.code == 23);
    check_one_line(busy, "somebody else is going on with it");
    const outcome cut = run(other.command());
    CHECK(cut.code == cut_short);
    CHECK(has(cut.errors, "is not kept"));
    CHECK(same(contents(other.path() + ".part"), pattern(0, half)));
    CHECK(has(contents(other.path() + ".part.from"), "\"one\""));
    CHECK(other.end() == done);
    CHECK(same(contents(other.path()), pattern(0, size)));
    CHECK(other.folder().files() == 1);
}

TEST_CASE("uring-client does not take a file that somebody has put in the place of its part for its own") {
    going_on here;
    write_file(here.path() + ".other", "something else");
    std::filesystem::rename(here.path() + ".other", here.path() + ".part");
    CHECK(here.end() == 23);
    CHECK(has(here.errors(), "another file in the place of"));
    CHECK(!std::filesystem::exists(here.path()));
    CHECK(contents(here.path() + ".part") == "something else");
}

TEST_CASE("uring-client that a signal ends leaves a part to go on with") {
    temporary_folder folder;
    std::vector<script> scripts = {[](conversation& client) {
        client.receive_request();
        client.send(head(tag) + pattern(0, half));
        client.wait_for_end();
    }};
    scripted_server server(scripts);
    process client(ours({"-o", folder / "file", server.url()}));
    const auto bytes_there = [&] {
        std::uintmax_t all = 0;
        for (const auto& each : std::filesystem::directory_iterator(folder / "")) all += each.file_size();
        return all;
    };
    while (bytes_there() < half && client.running()) std::this_thread::yield();
    client.signal(SIGINT);
    CHECK(client.wait() == -SIGINT);
    CHECK(same(contents(folder / "file.part"), pattern(0, half)));
}
