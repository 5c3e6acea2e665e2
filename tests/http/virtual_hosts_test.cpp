#include <tuyau/net/http/virtual_hosts.hpp>

#include <functional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/rehearsal.hpp>
#include <tuyau/runtime/loop.hpp>

using namespace tuyau;
using namespace tuyau::http;

namespace {

task<> one(request&, response& reply) {
    reply.send("text/plain", "one");
    co_return;
}
task<> two(request&, response& reply) {
    reply.send("text/plain", "two");
    co_return;
}

std::string answer_to(virtual_hosts& hosts, const std::string& target, const std::string& host) {
    std::string answer;
    loop here;
    here.run([](virtual_hosts& all, std::string text, std::string& out) -> task<> {
        out = co_await rehearse(std::ref(all), std::move(text));
    }(hosts, "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", answer));
    const std::string status = answer.substr(9, 3);
    return status == "200" ? answer.substr(answer.find("\r\n\r\n") + 4) : status;
}

} // namespace

TEST_CASE("each host is served by its own handler, whatever the case and the port") {
    virtual_hosts hosts(two);
    hosts.add("Example.org", one);
    hosts.add("example.net.", one);
    hosts.add("[::1]", one);
    for (const char* name : {"example.org", "EXAMPLE.ORG", "example.org:8080", "example.org.", "example.net",
                             "Example.net.:80", "[::1]:80", "[::1]"})
        CHECK(answer_to(hosts, "/", name) == "one");
    for (const char* name : {"example.com", "www.example.org", "org", "127.0.0.1:80"})
        CHECK(answer_to(hosts, "/", name) == "two");
}

TEST_CASE("a host in the target goes before the Host field") {
    virtual_hosts hosts(two);
    hosts.add("example.org", one);
    CHECK(answer_to(hosts, "http://example.org/", "other") == "one");
    CHECK(answer_to(hosts, "http://example.org:80?query", "other") == "one");
    CHECK(answer_to(hosts, "http://other/", "example.org") == "two");
}

TEST_CASE("without a handler for the others they are told that they are in the wrong place") {
    virtual_hosts hosts;
    hosts.add("example.org", one);
    CHECK(answer_to(hosts, "/", "example.org") == "one");
    CHECK(answer_to(hosts, "/", "other") == "421");
}
