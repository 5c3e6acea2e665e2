// Files over connections of the kernel's, in every way that they may go.

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <tuyau/net/http/file_server.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/scope.hpp>

#include "file_server_support.hpp"

using namespace tuyau;

namespace {

std::string numbered(std::size_t size) {
    std::string text;
    for (std::size_t number = 0; text.size() < size; ++number) text += std::to_string(number) + ",";
    text.resize(size);
    return text;
}

task<> accept_on(http::server& server, tcp_listener& listener) { co_await server.serve(listener); }

/// All that is answered to these requests, until the connection ends.
std::string ask(const loop_options& how, const tests::temporary_folder& files, const std::string& requests) {
    loop here(how);
    std::string answers;
    here.run([](auto& place, auto& asked, std::string& came) -> task<> {
        auto opened = co_await folder::open(place.path().string());
        const folder root = std::move(opened.value());
        const http::media_types types;
        http::file_server program(root, types);
        http::server server(std::ref(program));
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope accepting;
        accepting.spawn(accept_on(server, listener));
        auto client = co_await connect(listener.local_endpoint().value());
        REQUIRE(client);
        co_await client->send(asked);
        for (;;) {
            auto received = co_await client->receive();
            if (!received || received->empty()) break;
            came += received->text();
        }
        accepting.stop();
        co_await accepting.join();
        co_await server.drain();
    }(files, requests, answers));
    return answers;
}

/// Takes the answer in front of `answers` off; its body, which is `size` long.
std::string take_body(std::string& answers, std::size_t size) {
    const std::size_t begin = answers.find("\r\n\r\n") + 4;
    std::string body = answers.substr(begin, size);
    answers.erase(0, begin + size);
    return body;
}

} // namespace

TEST_CASE("files of every kind arrive in order on one connection, with the kernel's help or without") {
    loop_options options;
    if (GENERATE(true, false)) options.ring.without.insert(feature::send_file);
    const tests::temporary_folder files;
    const std::string small = numbered(1000);
    const std::string middle = numbered(100'000);
    const std::string large = numbered(3'000'000);
    files.write("small", small);
    files.write("middle", middle);
    files.write("large", large);
    std::string requests;
    const auto add = [&](const std::string& path, const std::string& fields = {}, const std::string& method = "GET") {
        requests += method + " /" + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
    };
    add("small");
    add("middle");
    add("middle", {}, "HEAD");
    add("middle");
    add("small");
    add("large");
    add("middle", "Range: bytes=50000-\r\n");
    add("large", "Range: bytes=10-2000009\r\n");
    add("small");
    add("middle", "Connection: close\r\n");
    std::string answers = ask(options, files, requests);
    CHECK(take_body(answers, small.size()) == small);
    CHECK(take_body(answers, middle.size()) == middle);
    CHECK(take_body(answers, 0).empty());
    CHECK(take_body(answers, middle.size()) == middle);
    CHECK(take_body(answers, small.size()) == small);
    CHECK(take_body(answers, large.size()) == large);
    CHECK(take_body(answers, 50'000) == middle.substr(50'000));
    CHECK(take_body(answers, 2'000'000) == large.substr(10, 2'000'000));
    CHECK(take_body(answers, small.size()) == small);
    CHECK(answers.find("Connection: close") < answers.find("\r\n\r\n"));
    CHECK(take_body(answers, middle.size()) == middle);
    CHECK(answers.empty());
}
