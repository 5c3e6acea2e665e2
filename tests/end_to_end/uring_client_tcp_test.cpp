#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "uring_client_support.hpp"

using namespace tests;

namespace {

std::vector<std::string> command_for(const one_client_server& server) {
    return ours({"tcp", "127.0.0.1", server.port()});
}

} // namespace

TEST_CASE("uring-client tcp carries both directions at once") {
    one_client_server server([](socket_client& client) {
        client.send("who is there?\n");
        client.send("hello, " + client.receive_until("\n"));
        client.send("and you, " + client.receive_until("\n"));
        if (!client.receive().empty()) throw std::runtime_error("something came in place of the end");
        client.send("bye\n");
    });
    process client(command_for(server));
    CHECK(client.read_line() == "who is there?");
    client.write("Ada\n");
    CHECK(client.read_line() == "hello, Ada");
    client.write("Grace\n");
    CHECK(client.read_line() == "and you, Grace");
    client.close_input();
    CHECK(client.read_line() == "bye");
    CHECK(client.wait() == done);
    CHECK(server.trouble().empty());
}

TEST_CASE("uring-client tcp passes the end of its input on as a half-close, and reads on") {
    std::string received;
    one_client_server server([&](socket_client& client) {
        received = client.receive_all();
        client.send("you said " + std::to_string(received.size()) + " bytes");
    });
    const outcome result = run(command_for(server), "three\nshort\nlines\n");
    CHECK(result.code == done);
    CHECK(result.output == "you said 18 bytes");
    CHECK(result.errors.empty());
    CHECK(server.trouble().empty());
    CHECK(received == "three\nshort\nlines\n");
}

TEST_CASE("uring-client tcp brings 10 MB of binary through an echo intact") {
    const std::string big = random_bytes(10'000'000);
    one_client_server server([](socket_client& client) {
        for (;;) {
            const std::string bytes = client.receive();
            if (bytes.empty()) break;
            client.send(bytes);
        }
    });
    const outcome result = run(command_for(server), big);
    CHECK(result.code == done);
    CHECK(same(result.output, big));
    CHECK(result.errors.empty());
}

TEST_CASE("uring-client tcp ends when the peer has ended, though somebody could go on typing") {
    one_client_server server([](socket_client& client) { client.send("that is all\n"); });
    std::string command;
    for (const std::string& each : command_for(server)) command += "'" + each + "' ";
    process client({"script", "-qefc", command, "/dev/null"}); // its standard input, a terminal, stays open
    CHECK(client.read_output() == "that is all\r\n");
    CHECK(client.wait() == done);
}

TEST_CASE("uring-client tcp sends all of its input to a peer that has ended its side and reads on") {
    std::string received;
    one_client_server server([&](socket_client& client) {
        client.send("that is all\n");
        client.shutdown_send();
        received = client.receive_all();
    });
    process client(command_for(server));
    CHECK(client.read_line() == "that is all");
    client.write("but wait");
    client.close_input();
    CHECK(client.wait() == done);
    CHECK(server.trouble().empty());
    CHECK(received == "but wait");

    const std::string big = random_bytes(10'000'000);
    one_client_server silent([&](socket_client& peer) {
        peer.shutdown_send();
        received = peer.receive_all();
    });
    const outcome all = run(command_for(silent), big);
    CHECK(all.code == done);
    CHECK(all.errors.empty());
    CHECK(silent.trouble().empty());
    CHECK(same(received, big));
}

TEST_CASE("uring-client tcp fails when the peer does not take all of its input") {
    one_client_server server([](socket_client& client) {
        client.shutdown_send();
        client.receive_exactly(1000);
    });
    const outcome cut = run(command_for(server), random_bytes(20'000'000));
    CHECK(cut.code == 55);
    check_one_line(cut, "ended the connection before all of standard input was sent");
}

TEST_CASE("uring-client tcp says how a connection failed") {
    one_client_server server([](socket_client& client) {
        client.send("abc");
        client.receive();
        client.reset();
    });
    const outcome reset = run(command_for(server), "x");
    CHECK(reset.code == receive_failed);
    CHECK(reset.output == "abc");
    check_one_line(reset, "broke after 3 bytes: Connection reset by peer");

    const std::string port = closed_port();
    const outcome refused = run(ours({"tcp", "127.0.0.1", port}), "x");
    CHECK(refused.code == 7);
    check_one_line(refused, "cannot connect to 127.0.0.1:" + port + ": Connection refused");
    CHECK(run(ours({"tcp", "::1", port})).code == 7);
    const outcome unknown = run(ours({"tcp", "no-such-name.invalid", "80"}), "x");
    CHECK(unknown.code == 6);
    check_one_line(unknown, "cannot resolve 'no-such-name.invalid'");
}

TEST_CASE("uring-client tcp says that it cannot read or write, and does not wait for the peer") {
    one_client_server unread([](socket_client& client) {
        client.send(std::string(1'000'000, 'x'));
        client.receive_all();
    });
    auto command = command_for(unread);
    const outcome broken =
        run({"sh", "-c", R"({ "$0" "$@"; echo "exit $?" >&2; } | :)", command[0], command[1], command[2], command[3]});
    CHECK(broken.errors == "uring-client: cannot write to standard output: Broken pipe\nexit 23\n");

    one_client_server waiting([](socket_client& client) { client.receive_all(); });
    command = command_for(waiting);
    const outcome unreadable = run({"sh", "-c", R"("$0" "$@" </tmp)", command[0], command[1], command[2], command[3]});
    CHECK(unreadable.code == 26);
    check_one_line(unreadable, "cannot read standard input: Is a directory");
}

TEST_CASE("uring-client tcp takes closed input for its end") {
    one_client_server server([](socket_client& client) { client.send("got [" + client.receive_all() + "]"); });
    const auto command = command_for(server);
    const outcome result = run({"sh", "-c", R"("$0" "$@" <&-)", command[0], command[1], command[2], command[3]});
    CHECK(result.code == done);
    CHECK(result.output == "got []");
}
