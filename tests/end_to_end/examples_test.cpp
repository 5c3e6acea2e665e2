#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/process.hpp"

namespace {

/// What each example prints, and nothing else. The doctor's report depends on the machine but for its last line.
const std::map<std::string, std::string> expected = {
    {"blocking", "the loop goes on\nthe answer is 42\nan exception came from stoi\n"},
    {"channel", "Ada takes 0\nBob takes 1\nAda takes 2\nBob takes 3\nAda takes 4\nAda goes home\nBob takes 5\n"
                "Bob goes home\nthe producer was at most 2 ahead\n"},
    {"channel-between-loops", "the sum is 333833500\n"},
    {"deadline", "the answer: Connection timed out\npiece 1\npiece 2\npiece 3\nthe download: Connection timed out\n"},
    {"doctor", "programs can run here\n"},
    {"file", "1000 lines, 8893 bytes\n"},
    {"folder", "archive/\nlink\nnotes\nnotes: buy milk\narchive/../notes: buy milk\n"
               "archive/none: No such file or directory\n../secret: Invalid cross-device link\n"
               "link: Invalid cross-device link\n"},
    {"http-client", "200 Hello world\n/hello/again Hello again\nto be said again\n1 connection\n"
                    "cannot connect to 127.0.0.1:1: Connection refused\n"},
    {"http-server", "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 12\n\nHello world\n"
                    "HTTP/1.1 404 Not Found\nContent-Type: text/html; charset=utf-8\nContent-Length: 179\n"
                    "Connection: close\n\n"
                    "<!doctype html>\n"
                    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>404 Not Found</title></head>\n"
                    "<body><h1>404 Not Found</h1><p>There is nothing at this address.</p></body></html>\n"
                    "drained: true\n"},
    {"lines", "40\n42\nnot a number\n41\n"},
    {"listener-per-core", "100 clients were greeted on 100 connections\n"},
    {"operation", "nobody writes: Connection timed out\nsomebody writes: readable\n"},
    {"resolve", "[::1]:80\nconnected to 127.0.0.1\nConnection refused\n"},
    {"scope", "10 jobs, 3 at a time\nits sibling: Operation canceled\njoin: the disk is full\n"},
    {"shield", "welcome\nsaving your work\nsaved, good-bye\n"},
    {"signals", "SIGHUP: reads its configuration again\nSIGTERM: ends\nthe server is asked to stop\n"},
    {"stop", "a library that was given the token\nthe sleep: Operation canceled\nwith_stop: Operation canceled\n"},
    {"synchronisation", "at most 2 swam at a time\n1 begins, 1 ends\n2 begins, 2 ends\n3 begins, 3 ends\n"
                        "4 begins, 4 ends\n"},
    {"task", "19 + 23 = 42\n'many': Invalid argument\n1 + 'many': Invalid argument\n100000 levels deep\n"},
    {"tcp-echo", "Is there an echo?\n1000000 bytes\nthe server has ended\n"},
    {"timers", "10000 slept side by side, and woke in time\nthe interval counted what was missed\n"},
    {"when-all", "Paris has 2103000 inhabitants\n1 4 9 16 25\nlocked: Permission denied; open: Operation canceled\n"},
    {"when-any", "1 won: the file, from next door\nlost: Operation canceled\nlost: Operation canceled\n"},
    {"workers", "17984 primes\n2 threads\nhere: a worker dropped it\n"},
};

std::vector<std::string> names_of_built_examples() {
    std::vector<std::string> names;
    std::istringstream list(TUYAU_EXAMPLES);
    for (std::string program; std::getline(list, program, ',');)
        names.push_back(program.substr(std::string("example-").size()));
    return names;
}

} // namespace

TEST_CASE("every example that is built is expected to print something, and the other way round") {
    std::vector<std::string> known;
    for (const auto& [name, output] : expected) known.push_back(name);
    auto built = names_of_built_examples();
    std::sort(built.begin(), built.end());
    CHECK(built == known);
}

TEST_CASE("each example prints what is expected of it and ends with 0") {
    for (const auto& [name, output] : expected) {
        DYNAMIC_SECTION(name) {
            const auto outcome = tests::run({tests::program("example-" + name)});
            if (name == "doctor")
                CHECK(outcome.output.ends_with(output));
            else
                CHECK(outcome.output == output);
            CHECK(outcome.errors.empty());
            CHECK(outcome.code == 0);
        }
    }
}
