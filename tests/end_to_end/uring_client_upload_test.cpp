// What a server gets of the bodies that -T and -F send, and what it gets of curl's.

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/scripted_server.hpp"
#include "uring_client_support.hpp"

using namespace tests;

namespace {

const std::string expect = "Expect: 100-continue\r\n";

std::string body_of(const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); }

std::string target_of(const std::string& request) {
    const auto begin = request.find(' ') + 1;
    return request.substr(begin, request.find(' ', begin) - begin);
}

/// The form with one file, as the request's boundary divides it.
std::string form_with(const std::string& request, const std::string& file) {
    const std::string mark = "boundary=";
    const auto begin = request.find(mark) + mark.size();
    const std::string boundary = request.substr(begin, request.find("\r\n", begin) - begin);
    return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"big\"\r\n" +
           "Content-Type: application/octet-stream\r\n\r\n" + file + "\r\n--" + boundary + "--\r\n";
}

/// A body in chunks, put together; curl cuts them in other places.
std::string joined(std::string_view chunks) {
    std::string all;
    while (!chunks.empty()) {
        const auto size = std::stoul(std::string(chunks.substr(0, chunks.find("\r\n"))), nullptr, 16);
        chunks.remove_prefix(chunks.find("\r\n") + 2);
        all += chunks.substr(0, size);
        chunks.remove_prefix(std::min(size + 2, chunks.size()));
    }
    return all;
}

std::string with(std::string text, const std::string& before, const std::string& after) {
    for (auto at = text.find(before); at != std::string::npos; at = text.find(before, at + after.size()))
        text.replace(at, before.size(), after);
    return text;
}

/// What a request looks like but for the names that each server or run has for itself.
std::string comparable(std::string request, const std::string& host) {
    request = with(request, host, "HERE");
    const std::string mark = "boundary=";
    const auto begin = request.find(mark);
    if (begin != std::string::npos) {
        const auto value = begin + mark.size();
        request = with(request, request.substr(value, request.find("\r\n", value) - value), "BOUNDARY");
    }
    const auto body = request.find("\r\n\r\n") + 4;
    if (request.find("Transfer-Encoding: chunked") > body) return request;
    return request.substr(0, body) + joined(std::string_view(request).substr(body));
}

/// The request that a command makes. It is told to go on when it asks for that.
std::string request_of(const std::function<outcome(const std::string& host)>& command) {
    std::string request;
    scripted_server server([&](conversation& client) {
        request = client.receive_head();
        if (request.find(expect) != std::string::npos) client.send("HTTP/1.1 100 Continue\r\n\r\n");
        const std::string length = "Content-Length: ";
        if (const auto at = request.find(length); at != std::string::npos)
            request += client.receive_exactly(std::stoul(request.substr(at + length.size())));
        else
            for (std::string next = "?"; !next.empty() && !request.ends_with("\r\n0\r\n\r\n"); request += next)
                next = client.receive_exactly(1);
        client.send(sized(""));
        client.wait_for_end();
    });
    const std::string host = "127.0.0.1:" + std::to_string(server.port());
    CHECK(command(host).code == done);
    CHECK(server.failures().empty());
    return comparable(request, host);
}

/// Keeps the requests of two connections; none of their bodies is read before both heads are there.
class two_at_once {
public:
    std::vector<std::string> requests{2};

    bool are_whole() { return server_.failures().empty(); }
    std::string url(const std::string& path) const { return server_.url(path); }

private:
    script one(std::size_t number) {
        return [this, number](conversation& client) {
            std::string head = client.receive_head();
            if (++heads_ == 2) both_are_there_.set_value();
            both_.wait_for(patience);
            const std::string name = "Content-Length: ";
            const auto size = std::stoul(head.substr(head.find(name) + name.size()));
            requests[number] = head + client.receive_exactly(size);
            client.send(sized(""));
        };
    }

    std::atomic<int> heads_ = 0;
    std::promise<void> both_are_there_;
    std::shared_future<void> both_ = both_are_there_.get_future();
    scripted_server server_{std::vector{one(0), one(1)}};
};

} // namespace

TEST_CASE("uring-client and curl send the same files and forms, byte for byte") {
    temporary_folder folder;
    const std::string small = random_bytes(1000);
    const std::string big = random_bytes(1'500'000); // from a megabyte on the server is asked first
    const std::string typed = random_bytes(200'000);
    write_file(folder / "small", small);
    write_file(folder / "big", big);
    write_file(folder / "empty", "");
    struct upload {
        std::vector<std::string> options;
        std::string path;
        std::string body; ///< empty: as curl's is
        bool asks_first = false;
    };
    const std::string form = folder / "small";
    const upload table[] = {
        {{"-T", folder / "small"}, "/there", small},
        {{"-T", folder / "small"}, "/into/", small},
        {{"-T", folder / "empty"}, "/there", ""},
        {{"-T", folder / "big"}, "/there", big, true},
        {{"-T", folder / "big", "-X", "POST", "-H", "Content-Type: a/b"}, "/there", big, true},
        {{"-T", "-"}, "/there", typed, true},
        {{"-F", "a=b"}, "/form", ""},
        {{"-F", "a=b", "-F", "file=@" + form, "-F", "text=<" + (folder / "empty")}, "/form", ""},
        {{"-F", "file=@" + form + ";type=image/png;filename=other.png", "-F", "x=y;type=text/html"}, "/form", ""},
    };
    for (const upload& each : table) {
        INFO(each.options[0] << ' ' << each.options[1] << ' ' << each.path);
        const auto sent_by = [&](bool is_ours) {
            return request_of([&](const std::string& host) {
                std::vector<std::string> arguments = {"-m", "50", "-A", "the-same"};
                arguments.insert(arguments.end(), each.options.begin(), each.options.end());
                arguments.push_back("http://" + host + each.path);
                return run(is_ours ? ours(arguments) : curl(arguments), typed);
            });
        };
        const std::string mine = sent_by(true);
        const std::string curls = sent_by(false);
        // From how many bytes on curl asks first differs from one version of it to another.
        const std::string asked = with(mine, expect, "");
        const std::string curls_asked = with(curls, expect, "");
        CHECK(asked.substr(0, asked.find("\r\n\r\n")) == curls_asked.substr(0, curls_asked.find("\r\n\r\n")));
        CHECK(same(asked, curls_asked));
        if (!each.body.empty()) CHECK(same(body_of(mine), each.body));
        CHECK((mine.find(expect) != std::string::npos) == each.asks_first);
    }
}

TEST_CASE("uring-client -Z sends each of several servers the whole of a file") {
    temporary_folder folder;
    const std::string big = random_bytes(900'000);
    write_file(folder / "big", big);
    for (const bool is_form : {false, true}) {
        INFO(is_form);
        two_at_once here;
        auto arguments = is_form ? std::vector<std::string>{"-F", "f=@" + (folder / "big")}
                                 : std::vector<std::string>{"-T", folder / "big"};
        arguments.insert(arguments.end(), {"-Z", "-m", "50", here.url("/1"), here.url("/2")});
        CHECK(run(ours(arguments)).code == done);
        REQUIRE(here.are_whole());
        for (const std::string& each : here.requests) CHECK(same(body_of(each), is_form ? form_with(each, big) : big));
        CHECK(target_of(here.requests[0]) != target_of(here.requests[1]));
    }
}

TEST_CASE("uring-client sends a file to one server after another, and again where that is needed") {
    temporary_folder folder;
    const std::string big = random_bytes(400'000);
    write_file(folder / "big", big);
    std::vector<std::string> requests;
    const auto answering = [&](const std::string& response) {
        return [&requests, response](conversation& client) {
            requests.push_back(client.receive_request());
            client.send(response);
        };
    };
    const std::string closes = "Connection: close\r\nContent-Length: 0\r\n\r\n";
    scripted_server server({answering(ok + closes), answering("HTTP/1.1 503 Busy\r\n" + closes),
                            answering("HTTP/1.1 307 Go\r\nLocation: /3\r\n" + closes), answering(ok + closes)});
    CHECK(run(ours({"-sL", "--retry", "1", "--retry-delay", "0.01", "-T", folder / "big", server.url("/1"),
                    server.url("/2")}))
              .code == done);
    CHECK(server.failures().empty());
    REQUIRE(requests.size() == 4);
    for (const std::string& each : requests) CHECK(same(body_of(each), big));
    CHECK(target_of(requests[3]) == "/3");
}

TEST_CASE("uring-client sends standard input to one URL alone, and says so before it asks for any") {
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{"-T", "-"}, std::vector<std::string>{"-Z", "-T", "-"},
          std::vector<std::string>{"-F", "f=@-"}}) {
        INFO(options.front());
        scripted_server server(answer(sized("")));
        auto arguments = options;
        for (const char* path : {"/1", "/2", "/3"}) arguments.push_back(server.url(path));
        const outcome refused = run(ours(arguments), "typed");
        CHECK(refused.code == 65);
        check_one_line(refused, "can be read only once, and there are 3 URLs");
        CHECK(server.connections() == 0);
    }
}

TEST_CASE("uring-client does not try again with what is left of standard input") {
    const std::string typed = random_bytes(300'000);
    const std::vector<std::string> again = {"-s", "--retry", "3", "--retry-delay", "0.01", "--retry-all-errors",
                                            "-T", "-"};
    const auto sent_to = [&](const scripted_server& server) {
        auto arguments = again;
        arguments.push_back(server.url());
        return run(ours(arguments), typed);
    };
    scripted_server broken({[](conversation& client) {
                                client.receive_head();
                                client.receive_exactly(1);
                                client.send("garbage garbage\r\n\r\n");
                                client.wait_for_end();
                            },
                            answer(sized("done"))});
    CHECK(sent_to(broken).code == malformed);
    CHECK(broken.connections() == 1);

    // Such a server's word is then the last one, as it is when all attempts are used up.
    scripted_server busy({answer("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait"), answer(sized("done"))});
    const outcome got = sent_to(busy);
    CHECK(got.code == done);
    CHECK(got.output == "wait");
    CHECK(busy.connections() == 1);
}
