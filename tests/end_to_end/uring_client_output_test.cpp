#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>

#include "uring_client_support.hpp"

namespace fs = std::filesystem;
using namespace tests;

TEST_CASE("uring-client brings 50 MB intact to standard output and to a file") {
    temporary_folder folder;
    const std::string big = random_bytes(50'000'000);
    const std::string response = sized(big);
    answering_server to_output(response);
    const outcome printed = run(ours({to_output.url()}));
    CHECK(printed.code == done);
    CHECK(same(printed.output, big));

    answering_server to_file(response);
    const outcome saved = run(ours({"-o", folder / "big", to_file.url()}));
    CHECK(saved.code == done);
    CHECK(saved.output.empty());
    CHECK(same(contents(folder / "big"), big));
    CHECK(folder.files() == 1);
}

TEST_CASE("uring-client -o leaves no part of a file, and keeps the one that was there, when it fails") {
    temporary_folder folder;
    answering_server cut(ok + "Content-Length: 10\r\n\r\nabc");
    CHECK(run(ours({"-o", folder / "new", cut.url()})).code == cut_short);
    CHECK(folder.empty());

    write_file(folder / "old", "precious");
    answering_server again(ok + "Content-Length: 10\r\n\r\nabc");
    CHECK(run(ours({"-o", folder / "old", again.url()})).code == cut_short);
    answering_server silent([](socket_client& client) { client.receive_all(); });
    CHECK(run(ours({"-m", "0.1", "-o", folder / "old", silent.url()})).code == 28);
    CHECK(run(ours({"-o", folder / "old", "http://127.0.0.1:" + closed_port()})).code == 7);
    CHECK(contents(folder / "old") == "precious");
    CHECK(folder.files() == 1);
}

TEST_CASE("uring-client -o tidies up when a signal ends it, and is seen to end by that signal") {
    for (int number : {SIGINT, SIGTERM, SIGHUP}) {
        temporary_folder folder;
        answering_server server([&](socket_client& client) {
            client.send(ok + "Content-Length: 10\r\n\r\nabc");
            client.receive_all();
        });
        process client(ours({"-o", folder / "file", server.url()}));
        while (folder.empty() && client.running()) std::this_thread::yield();
        client.signal(number);
        CHECK(client.wait() == -number);
        CHECK(client.read_errors().empty());
        CHECK(folder.empty());
    }
}

TEST_CASE("uring-client -o replaces a file with its mode, follows a link, and writes to a device directly") {
    temporary_folder folder;
    write_file(folder / "old", "what was there");
    REQUIRE(::chmod((folder / "old").c_str(), 0640) == 0);
    fs::create_symlink("old", folder / "link");
    answering_server server(sized("new"));
    CHECK(run(ours({"-o", folder / "link", server.url()})).code == done);
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(contents(folder / "old") == "new");
    CHECK((fs::status(folder / "old").permissions() & fs::perms::all) == fs::perms{0640});
    CHECK(folder.files() == 2);

    answering_server to_null(sized("new"));
    CHECK(run(ours({"-o", "/dev/null", to_null.url()})).code == done);
    CHECK(fs::is_character_file("/dev/null"));
    answering_server to_dash(sized("new"));
    CHECK(run(ours({"-o", "-", to_dash.url()})).output == "new");
    answering_server with_head(sized("new"));
    CHECK(run(ours({"-i", "-o", folder / "head", with_head.url()})).output.empty());
    CHECK(contents(folder / "head") == sized("new"));
}

TEST_CASE("uring-client says that its output cannot be written") {
    temporary_folder folder;
    const std::string big = sized(std::string(1'000'000, 'x'));
    const auto in_shell = [](const std::string& script, const std::string& url) {
        return run({"sh", "-c", script, program("uring-client"), url});
    };
    const auto broken = [&](const std::string& script, const std::string& why) {
        INFO(script);
        answering_server server([&](socket_client& client) {
            try {
                client.send(big);
            } catch (const std::exception&) {
                // The client was gone before it had read all.
            }
        });
        const outcome result = in_shell(script, server.url());
        CHECK(result.errors.ends_with("exit 23\n"));
        CHECK(result.errors.starts_with("uring-client: cannot write to standard output: " + why + "\n"));
    };
    broken(R"({ "$0" "$1"; echo "exit $?" >&2; } | :)", "Broken pipe");
    broken(R"("$0" "$1" >&-; echo "exit $?" >&2)", "Bad file descriptor");
    broken(R"("$0" "$1" >/dev/full; echo "exit $?" >&2)", "No space left on device");

    // Before anything is sent.
    const std::string nowhere = "http://127.0.0.1:" + closed_port();
    const outcome missing = run(ours({"-o", folder / "no/such/folder", nowhere}));
    CHECK(missing.code == 23);
    check_one_line(missing, "No such file or directory");
    CHECK(run(ours({"-o", folder / "", nowhere})).code == 23);
}
