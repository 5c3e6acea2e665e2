#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/scripted_server.hpp"
#include "uring_client_support.hpp"

using namespace tests;

namespace {

/// Runs it with a terminal (pty(7)) for its standard streams; what that shows, with line ends as they were. It goes into
/// `log` too, at once.
outcome run_on_terminal(std::vector<std::string> arguments, const std::string& log = "/dev/null") {
    std::string command;
    for (const std::string& each : ours(std::move(arguments))) command += "'" + each + "' ";
    outcome got = run({"script", "-qefc", command, log});
    std::string shown;
    for (std::size_t i = 0; i < got.output.size(); ++i)
        if (got.output.compare(i, 2, "\r\n") != 0 && got.output.compare(i, 2, "\r\r") != 0) shown += got.output[i];
    got.output = shown;
    return got;
}

} // namespace

TEST_CASE("uring-client shows a terminal no control characters of others") {
    const std::string text =
        "red \x1b[31m bell \a del \x7f C1 \xc2\x9b no UTF-8 \x9b \xff tab\t caf\xc3\xa9 \xe2\x82\xac\n";
    const std::string shown =
        "red \\x1b[31m bell \\x07 del \\x7f C1 \\xc2\\x9b no UTF-8 \\x9b \\xff tab\t caf\xc3\xa9 \xe2\x82\xac\n";
    scripted_server server(answer(sized(text)));
    CHECK(run_on_terminal({server.url()}).output == shown);
    CHECK(run_on_terminal({"--raw-output", server.url()}).output == text);
    CHECK(run(ours({server.url()})).output == text);

    scripted_server bytewise([&](conversation& client) {
        client.receive_request();
        client.send_bytewise(sized(text));
    });
    CHECK(run_on_terminal({bytewise.url()}).output == shown);

    scripted_server heads(answer(ok + "X: caf\xe9\r\nContent-Length: 0\r\n\r\n"));
    CHECK(run_on_terminal({"-i", heads.url()}).output == "HTTP/1.1 200 OK\nX: caf\\xe9\nContent-Length: 0\n\n");
    CHECK(run_on_terminal({"-v", heads.url()}).output.find("< X: caf\\xe9\n") != std::string::npos);
}

TEST_CASE("uring-client shows the last bytes of a response on a terminal, whatever could have followed them") {
    scripted_server returned(answer(sized("100%\r")));
    CHECK(run_on_terminal({returned.url()}).output == "100%\\x0d");
    scripted_server unfinished(answer(sized("caf\xc3")));
    CHECK(run_on_terminal({unfinished.url(), unfinished.url()}).output == "caf\\xc3caf\\xc3");
    scripted_server cut(answer(ok + "Content-Length: 9\r\n\r\ncaf\xc3"));
    const outcome failed = run_on_terminal({cut.url()});
    CHECK(failed.code == cut_short);
    CHECK(failed.output.starts_with("caf\\xc3uring-client: "));
    scripted_server peer([](conversation& client) { client.send("caf\xc3"); });
    CHECK(run_on_terminal({"tcp", "127.0.0.1", std::to_string(peer.port())}).output == "caf\\xc3");
}

TEST_CASE("uring-client shows no binary on a terminal unless it is asked for") {
    scripted_server server(answer(sized(std::string("a\0b", 3))));
    const outcome refused = run_on_terminal({server.url()});
    CHECK(refused.code == 23);
    CHECK(refused.output.find("binary") != std::string::npos);
    CHECK(refused.output.find("-o FILE") != std::string::npos);
    CHECK(run_on_terminal({"-o", "-", server.url()}).output == "a\\x00b");
    CHECK(run(ours({server.url()})).output == std::string("a\0b", 3));
}

TEST_CASE("uring-client draws a progress bar on a terminal, which is gone in the end") {
    temporary_folder folder;
    temporary_folder log;
    const std::string shown = log / "shown";
    scripted_server server([&](conversation& client) {
        client.receive_request();
        client.send(ok + "Content-Length: 4000000\r\n\r\n" + pattern(0, 2'000'000));
        // A byte at a time until the bar is there: it is drawn when something comes and a while has passed.
        std::size_t sent = 2'000'000;
        for (; sent < 4'000'000 && contents(shown).find("left") == std::string::npos; ++sent)
            client.send(pattern(sent, 1));
        client.send(pattern(sent, 4'000'000 - sent));
    });
    const outcome got = run_on_terminal({"-o", folder / "file", server.url()}, shown);
    CHECK(got.code == done);
    CHECK(got.output.find("MiB of 3.8 MiB") != std::string::npos);
    CHECK(got.output.find("left") != std::string::npos);
    CHECK(got.output.ends_with("\r\x1b[K"));
    CHECK(folder.files() == 1);
    scripted_server quick(answer(sized("x")));
    CHECK(run_on_terminal({"-so", folder / "file", quick.url()}).output.empty());
}
