#include <algorithm>
#include <future>
#include <string>
#include <unistd.h>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "support/scripted_server.hpp"
#include "uring_client_support.hpp"

using namespace tests;

namespace {

/// Of a request without a body. curl has that field in front.
std::string authorization_last(std::string request) {
    const auto begin = request.find("Authorization: ");
    if (begin == std::string::npos) return request;
    const auto end = request.find("\r\n", begin) + 2;
    const std::string line = request.substr(begin, end - begin);
    request.erase(begin, line.size());
    return request.insert(request.size() - 2, line);
}

} // namespace

TEST_CASE("uring-client and curl read the same responses alike") {
    struct behaviour {
        std::string name;
        std::string response;
        std::string output;
        int code;
        int curls_code;
        std::vector<std::string> options = {};
    };
    const behaviour table[] = {
        {"sized", sized("hello\n"), "hello\n", done, done},
        {"sized, with more behind it", sized("hello") + "surplus", "hello", done, done},
        {"nothing, sized", sized(""), "", done, done},
        {"chunked", chunked + "5\r\nhello\r\n6;x=y\r\n, you!\r\n0\r\n\r\n", "hello, you!", done, done},
        {"chunked, with trailers", chunked + "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", "ok", done, done},
        {"chunked, with trailers, -i",
         chunked + "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
         chunked + "okX-Sum: 1\r\n",
         done,
         done,
         {"-i"}},
        {"ended by the connection", ok + "\r\nuntil the end", "until the end", done, done},
        {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nold", "old", done, done},
        {"no reason", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x", done, done},
        {"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnone\n", "none\n", done, done},
        {"500, -i",
         "HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\nx",
         "HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\nx",
         done,
         done,
         {"-i"}},
        {"100 before", "HTTP/1.1 100 Continue\r\n\r\n" + sized("x"), "x", done, done},
        {"103 before, -i",
         "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + sized("x"),
         "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + sized("x"),
         done,
         done,
         {"-i"}},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", "", done, done},
        {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "", done, done},
        {"HEAD", ok + "Content-Length: 99\r\n\r\n", ok + "Content-Length: 99\r\n\r\n", done, done, {"-I"}},
        {"HEAD of a chunked page", chunked, chunked, done, done, {"-I"}},
        {"a byte order mark and NULs", sized(std::string("\xef\xbb\xbf\0\0\x1b", 6)),
         std::string("\xef\xbb\xbf\0\0\x1b", 6), done, done},
        {"sized, cut short", ok + "Content-Length: 10\r\n\r\nabc", "abc", cut_short, cut_short},
        {"chunked, cut short", chunked + "5\r\nabc", "abc", cut_short, cut_short},
        {"chunked, without a last chunk", chunked + "3\r\nabc\r\n", "abc", cut_short, cut_short},
        {"an empty reply", "", "", empty_reply, empty_reply},
        {"an interim response alone", "HTTP/1.1 100 Continue\r\n\r\n", "", empty_reply, empty_reply},
        // Where curl is more trusting, or has another code for the same.
        {"the head cut short", ok + "Conte", "", cut_short, done},
        {"garbage", "garbage garbage\r\n\r\n", "", malformed, 1},
        {"a TLS alert", std::string("\x15\x03\x01\x00\x02\x02\x28", 7), "", malformed, 1},
        {"a bad chunk size", chunked + "xyz\r\nabc\r\n0\r\n\r\n", "", malformed, 56},
        {"differing lengths", ok + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "", malformed, done},
        {"a length and chunks", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "",
         malformed, done},
        {"a folded field", ok + "A: b\r\n c\r\nContent-Length: 1\r\n\r\nx", "", malformed, done},
        {"lines without CR", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "", malformed, done},
    };
    for (const behaviour& each : table) {
        INFO(each.name);
        {
            answering_server server(each.response);
            auto arguments = each.options;
            arguments.push_back(server.url());
            const outcome result = run(ours(arguments));
            CHECK(result.code == each.code);
            CHECK(result.output == each.output);
            if (each.code == done)
                CHECK(result.errors.empty());
            else
                check_one_line(result, server.host());
            CHECK(server.trouble().empty());
        }
        {
            answering_server server(each.response);
            auto arguments = each.options;
            arguments.push_back(server.url());
            const outcome result = run(curl(arguments));
            CHECK(result.code == each.curls_code);
            if (each.code == each.curls_code) CHECK(result.output == each.output);
        }
    }
}

TEST_CASE("uring-client and curl send the same requests, but for their name") {
    temporary_folder folder;
    write_file(folder / "form", "from=file\r\n&b\n");
    const std::vector<std::vector<std::string>> table = {
        {},
        {"-I"},
        {"-i"},
        {"-X", "DELETE"},
        {"-X", "made-up"},
        {"-I", "-X", "GET"},
        {"-H", "X-One: 1", "-H", "x-two: 2", "-H", "X-One: again"},
        {"-H", "Accept:"},
        {"-H", "accept: text/html"},
        {"-H", "Host: other.example:99"},
        {"-H", "Host:"},
        {"-H", "X-Empty;"},
        {"-H", "X-Nothing:"},
        {"-H", "X-Tab:\ta\tb"},
        {"-H", "X-Latin: caf\xe9"},
        {"-d", "a=1"},
        {"-d", "a=1", "-d", "b=2", "-d", ""},
        {"-d", ""},
        {"-d", "-not-an-option"},
        {"-d", "=value"},
        {"-da=1"},
        {"--data", "[a,b]"},
        {"-d", "{\"json\": true}", "-H", "Content-Type: application/json"},
        {"-d", "x", "-H", "Content-Type:"},
        {"-d", "x", "-X", "PUT"},
        {"-d", "@" + (folder / "form")},
        {"-d", "@-", "-d", "tail"},
        {"-X", "POST", "-H", "Content-Length: 0"},
        {"-A", "other/2 (x; y)"},
        {"-A", ""},
        {"-A", "other", "-H", "User-Agent: the one of -H"},
        {"-e", "http://there.example/?a=b"},
        {"-b", "a=b; c=\"d e\""},
        {"-b", "a=b", "-e", "there", "-u", "ada:x"},
        {"-u", "ada:pass:word, and \xc3\xa9"},
        {"-u", "ada:"},
        {"-u", "ada:x", "-H", "Authorization: mine"},
    };
    for (const auto& options : table) {
        std::string shown;
        for (const std::string& each : options) shown += each + ' ';
        INFO(shown);
        std::string requests[2];
        std::string host[2];
        for (int i = 0; i < 2; ++i) {
            answering_server server(ok + "Content-Length: 0\r\n\r\n");
            std::vector<std::string> arguments = {"-A", "the-same"};
            arguments.insert(arguments.end(), options.begin(), options.end());
            arguments.push_back(server.url("/path?query"));
            const outcome result = run(i == 0 ? ours(arguments) : curl(arguments), "typed\nin\n");
            CHECK(result.code == done);
            requests[i] = server.request();
            host[i] = server.host();
        }
        const auto at = requests[1].find(host[1]);
        if (at != std::string::npos) requests[1].replace(at, host[1].size(), host[0]);
        CHECK(authorization_last(requests[0]) == authorization_last(requests[1]));
    }
}

TEST_CASE("uring-client -T puts the name of the file behind a URL that ends in '/', percent-encoded as curl does") {
    temporary_folder folder;
    for (const std::string name :
         {"plain-name_1.0~", "a name", "100%+&=?#", "caf\xc3\xa9", "x\r\nX-Injected: yes\r\nX-Rest: "}) {
        const std::string path = folder / name;
        INFO(path);
        write_file(path, "content");
        std::string lines[2];
        for (int i = 0; i < 2; ++i) {
            answering_server server(ok + "Content-Length: 0\r\n\r\n");
            const std::vector<std::string> arguments = {"-T", path, server.url("/to/")};
            const outcome result = run(i == 0 ? ours(arguments) : curl(arguments));
            CHECK(result.code == done);
            const std::string& request = server.request();
            CHECK(request.find("X-Injected: yes\r\n") == std::string::npos);
            CHECK(request.ends_with("\r\n\r\ncontent"));
            lines[i] = request.substr(0, request.find("\r\n"));
        }
        CHECK(lines[0].starts_with("PUT /to/"));
        CHECK_THAT(lines[0], Catch::Matchers::Equals(lines[1], Catch::CaseSensitive::No)); // as digits may be
    }
}

TEST_CASE("uring-client says who it is, and asks for what the URL says") {
    const auto asked = [](const std::string& target) {
        answering_server server(sized(""));
        CHECK(run(ours({server.host() + target})).code == done);
        std::string request = server.request();
        const auto at = request.find(server.host());
        return request.replace(at, server.host().size(), "HERE");
    };
    const std::string rest = " HTTP/1.1\r\nHost: HERE\r\nUser-Agent: uring-client/0.1.0\r\nAccept: */*\r\n\r\n";
    CHECK(asked("") == "GET /" + rest);
    CHECK(asked("/a//b?c=%20#fragment") == "GET /a//b?c=%20" + rest);
    CHECK(asked("?q") == "GET /?q" + rest);
}

TEST_CASE("uring-client -w tells times, each not before the one that it follows") {
    const std::string closes = "Connection: close\r\nContent-Length: 0\r\n\r\n";
    const std::string format = "%{time_namelookup} %{time_connect} %{time_pretransfer} %{time_starttransfer} "
                               "%{time_total}\n";
    scripted_server server(in_order({answer(sized("")), answer(sized(""))}));
    const outcome twice = run(ours({"-w", format, server.url(), server.url()}));
    const auto end = twice.output.find('\n') + 1;
    const auto first = numbers_in(twice.output.substr(0, end));
    REQUIRE(first.size() == 5);
    CHECK(std::is_sorted(first.begin(), first.end()));
    CHECK(first[1] > 0); // a connection was made
    CHECK(first[3] > first[1]);
    const auto second = numbers_in(twice.output.substr(end));
    REQUIRE(second.size() == 5);
    CHECK(std::is_sorted(second.begin(), second.end()));
    CHECK(second[1] == 0); // and was there already
    CHECK(second[3] > 0);

    scripted_server moved({answer("HTTP/1.1 302 Go\r\nLocation: /there\r\n" + closes), answer(ok + closes)});
    const auto times =
        numbers_in(run(ours({"-L", "-w", "%{time_redirect} %{time_starttransfer} %{time_total}", moved.url()})).output);
    REQUIRE(times.size() == 3);
    CHECK(std::is_sorted(times.begin(), times.end()));
    CHECK(times[0] > 0);
}

TEST_CASE("uring-client -v shows on standard error what is sent and received") {
    answering_server server("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + chunked +
                            "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n");
    const outcome result = run(ours({"-v", "-d", "abc", server.url("/x")}));
    CHECK(result.code == done);
    CHECK(result.output == "ok");
    const std::string host = server.host();
    CHECK(result.errors == "* connected to " + host + " (" + host + ")\n> POST /x HTTP/1.1\n> Host: " + host +
                               "\n> User-Agent: uring-client/0.1.0\n> Accept: */*\n> Content-Length: 3\n"
                               "> Content-Type: application/x-www-form-urlencoded\n> \n* sending a body of 3 bytes\n"
                               "< HTTP/1.1 103 Early Hints\n< Link: a\n< \n< HTTP/1.1 200 OK\n"
                               "< Transfer-Encoding: chunked\n< \n< X-Sum: 1\n* received a body of 2 bytes\n");
}

TEST_CASE("uring-client prints a body while it arrives") {
    // The server goes on only when the client has printed what it was sent.
    int go_on[2];
    REQUIRE(::pipe(go_on) == 0);
    answering_server server([&](socket_client& client) {
        client.send(ok + "Content-Length: 12\r\n\r\nfirst\n");
        char byte = 0;
        if (::read(go_on[0], &byte, 1) == 1) client.send("later\n");
    });
    process client(ours({server.url()}));
    CHECK(client.read_line() == "first");
    CHECK(::write(go_on[1], "x", 1) == 1);
    CHECK(client.read_line() == "later");
    CHECK(client.wait() == done);
    ::close(go_on[0]);
    ::close(go_on[1]);
}

TEST_CASE("uring-client reads a response that comes a byte at a time") {
    answering_server server([](socket_client& client) {
        const int at_once = 1;
        ::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        for (char each : "HTTP/1.1 100 Continue\r\n\r\n" + chunked + "5\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n")
            client.send(std::string(1, each));
    });
    const outcome result = run(ours({server.url()}));
    CHECK(result.code == done);
    CHECK(result.output == "hello!");
}

TEST_CASE("uring-client reads the answer of a server that does not wait for the whole request") {
    const std::string much(20'000'000, 'x');
    // The server reads the head only: without a reader the rest of the request does not fit on its way.
    std::promise<void> client_has_ended;
    one_client_server server([&](socket_client& client) {
        client.receive_until("\r\n\r\n");
        client.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo much\n");
        client_has_ended.get_future().wait_for(patience);
    });
    const outcome result = run(ours({"-i", "-m", "30", "-d", "@-", server.url()}), much);
    client_has_ended.set_value();
    CHECK(result.code == done);
    CHECK(result.output == "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo much\n");
}

TEST_CASE("uring-client sends a body of many megabytes whole") {
    std::string much = random_bytes(20'000'000);
    std::erase_if(much, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    answering_server server(sized("thanks"));
    CHECK(run(ours({"-d", "@-", server.url()}), much).output == "thanks");
    CHECK(same(server.request().substr(server.request().find("\r\n\r\n") + 4), much));
}

TEST_CASE("uring-client explains itself") {
    const outcome version = run(ours({"--version"}));
    CHECK(version.code == done);
    CHECK(version.output == "uring-client 0.1.0\n");
    const outcome help = run(ours({"--help"}));
    CHECK(help.code == done);
    for (const std::string each :
         {"-i,--include", "-I,--head", "-v,--verbose", "-X,--request", "-H,--header", "-d,--data", "-o,--output",
          "--connect-timeout", "--max-time", "tcp", "Exit codes:", "  28  "}) {
        INFO(each);
        CHECK(help.output.find(each) != std::string::npos);
    }
    CHECK(run(ours({"tcp", "--help"})).output.find("HOST") != std::string::npos);
}
