#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "behaviours/behaviour.hpp"
#include "uring_client_support.hpp"

using namespace tests;

namespace {

std::vector<std::string> with_url(const std::vector<std::string>& options, const scripted_server& server) {
    std::vector<std::string> all = options;
    all.push_back(server.url());
    return all;
}

std::string in_words(const std::vector<std::string>& options) {
    std::string all;
    for (const std::string& each : options) all += each + ' ';
    return all;
}

void check_ours(const behaviour& each) {
    scripted_server server(each.connections);
    const outcome got = run(ours(with_url(each.options, server)));
    CHECK(got.code == each.code);
    CHECK(got.output.size() == each.output.size());
    CHECK(same(got.output, each.output));
    if (each.told.empty())
        CHECK(got.errors.empty());
    else
        check_one_line(got, each.told);
}

void check_curl(const behaviour& each) {
    scripted_server server(each.connections);
    const outcome got = run(curl(with_url(each.options, server)));
    CHECK(got.code == each.code);
    CHECK(got.output.size() == each.output.size());
    CHECK(same(got.output, each.output));
}

void check(const std::vector<behaviour>& table) {
    for (const behaviour& each : table) {
        INFO(each.name << ": " << in_words(each.options));
        check_ours(each);
        if (each.curl == curl_does::the_same) check_curl(each);
    }
}

} // namespace

TEST_CASE("uring-client takes whatever is right, as curl does") { check(whole_responses()); }

TEST_CASE("uring-client refuses what breaks HTTP, and names the byte") { check(broken_responses()); }

TEST_CASE("uring-client says at which stage a server went away") { check(broken_connections()); }

TEST_CASE("uring-client follows redirects and tries again as curl does, within bounds") {
    check(redirects_and_retries());
}

TEST_CASE("The behaviours of servers that uring-client is held to are more than a hundred, half of them curl's too") {
    std::vector<behaviour> all = whole_responses();
    for (auto& more : {broken_responses(), broken_connections(), redirects_and_retries()})
        all.insert(all.end(), more.begin(), more.end());
    CHECK(all.size() >= 150);
    CHECK(std::count_if(all.begin(), all.end(),
                        [](const behaviour& each) { return each.curl == curl_does::the_same; }) >= 75);
}

TEST_CASE("uring-client asks for several URLs over one connection, and tells the first failure") {
    const auto serve = [](conversation& client) {
        for (;;) {
            const std::string request = client.receive_request();
            if (request.empty()) return;
            const bool missing = request.starts_with("GET /missing");
            client.send(missing ? "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx" : sized(request.substr(5, 1)));
        }
    };
    scripted_server server(serve);
    const outcome got = run(ours({server.url("/a"), server.url("/b"), server.url("/c"), "-w", "%{num_connects}"}));
    CHECK(got.output == "a1b0c0");
    CHECK(server.connections() == 1);
    const outcome failed = run(ours({"-f", server.url("/a"), server.url("/missing"), server.url("/c")}));
    CHECK(failed.code == 22);
    CHECK(failed.output == "ac");
    check_one_line(failed, "/missing answers 404 No");

    temporary_folder folder;
    std::vector<std::string> command = {"-Z", "--output-dir", folder / ""};
    for (const char* each : {"/one", "/two", "/three"}) command.insert(command.end(), {"-O", server.url(each)});
    CHECK(run(ours(command)).code == done);
    CHECK(folder.files() == 3);
    CHECK(contents(folder / "three") == "t");
}
