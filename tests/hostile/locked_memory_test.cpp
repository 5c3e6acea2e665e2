// Little locked memory: the queues that the kernel shares with a program come out of it, for users without CAP_IPC_LOCK.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

using namespace tests;

namespace {

/// Runs a command with this much locked memory, as a user of its own where that can be: the kernel counts by user, and
/// gives back some time after a program has ended.
std::vector<std::string> with_locked_memory(std::size_t kibibytes) {
    static unsigned next_user = 100'000 + static_cast<unsigned>(::getpid()) % 10'000 * 100;
    const std::string bytes = std::to_string(kibibytes * 1024);
    std::vector<std::string> command{"prlimit", "--memlock=" + bytes + ":" + bytes};
    if (::geteuid() == 0) {
        const std::string user = std::to_string(next_user++);
        command.insert(command.end(), {"setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups"});
    }
    return command;
}

outcome run_with_locked_memory(std::size_t kibibytes, const std::vector<std::string>& arguments) {
    auto command = with_locked_memory(kibibytes);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
}

void skip_unless_counted() {
    const auto version = run_with_locked_memory(0, {program("uring-http"), "--version"});
    if (version.code != 0) SKIP("this user cannot become another, or the other may not run the program");
    const auto none = run_with_locked_memory(0, {program("uring-http"), "--doctor"});
    if (none.code == 0) SKIP("this kernel does not count a ring as locked memory");
}

void check_refusal(const std::string& errors) {
    INFO(errors);
    CHECK(std::count(errors.begin(), errors.end(), '\n') == 1);
    CHECK(errors.find("not enough locked memory") != std::string::npos);
    CHECK(errors.find("ulimit -l") != std::string::npos);
}

/// Serves a crowd that asks for much at once, or says what is missing; whether it serves.
bool serves(std::size_t kibibytes) {
    try {
        http_server server({}, with_locked_memory(kibibytes));
        std::vector<std::unique_ptr<socket_client>> clients;
        for (int number = 0; number < 300; ++number)
            clients.push_back(std::make_unique<socket_client>("127.0.0.1", server.port()));
        for (const auto& each : clients) {
            each->send(series(30));
            each->shutdown_send();
        }
        for (const auto& each : clients) REQUIRE(answers_in(each->receive_all()) == 30);
        server.check_alive();
        CHECK(server.end() == 0);
        CHECK(server.program().read_errors().empty());
        return true;
    } catch (const did_not_serve& refused) {
        check_refusal(refused.what());
        return false;
    }
}

} // namespace

TEST_CASE("with little locked memory the server starts with smaller queues and serves, or says what is missing") {
    skip_unless_counted();
    bool served = false;
    for (const std::size_t kibibytes : {0, 4, 16, 32, 64, 96, 128, 160, 192, 256, 512, 8192}) {
        INFO(kibibytes << " KiB");
        const bool now = serves(kibibytes);
        if (served) CHECK(now); // more memory is no worse
        served = now;
        if (kibibytes == 0) CHECK_FALSE(served);
        if (kibibytes == 64) CHECK(served); // what old systems and containers allow
    }
    CHECK(served);
}

TEST_CASE("with little locked memory uring-client gets the page, or says what is missing") {
    skip_unless_counted();
    http_server server;
    const std::string whole = run({program("uring-client"), server.url()}).output;
    bool fetched = false;
    for (const std::size_t kibibytes : {0, 4, 16, 32, 64, 128, 256, 8192}) {
        INFO(kibibytes << " KiB");
        const auto got = run_with_locked_memory(kibibytes, {program("uring-client"), server.url()});
        if (got.code == 0)
            CHECK(got.output == whole);
        else
            check_refusal(got.errors);
        if (fetched) CHECK(got.code == 0);
        fetched = got.code == 0;
    }
    CHECK(fetched);
}
