// What the environment says of proxies.

#include <tuyau/net/http/client/proxy_settings.hpp>

#include <cstdlib>
#include <map>
#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace tuyau::http;

namespace {

/// The environment has these variables about proxies and no others, until the end of this object's life.
class environment {
public:
    explicit environment(const std::map<std::string, std::string>& variables) {
        for (const char* each : names) {
            if (const char* value = std::getenv(each)) before_[each] = value;
            ::unsetenv(each);
        }
        for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;
    ~environment() {
        for (const char* each : names) ::unsetenv(each);
        for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
    }

private:
    static constexpr const char* names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                            "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    std::map<std::string, std::string> before_;
};

std::string proxy_by(const std::map<std::string, std::string>& variables, const std::string& target) {
    const environment now(variables);
    const auto proxy = proxy_settings::from_environment().proxy_for(parse_url(target).value());
    if (!proxy) return proxy.error();
    return *proxy ? (*proxy)->host + ":" + std::to_string((*proxy)->port) : "none";
}

} // namespace

TEST_CASE("without variables there is no proxy") {
    CHECK(proxy_by({}, "http://h/") == "none");
    CHECK(proxy_by({}, "https://h/") == "none");
    CHECK(proxy_by({{"http_proxy", ""}, {"all_proxy", ""}}, "http://h/") == "none");
}

TEST_CASE("http_proxy counts in lower case only, the others in capitals too, and in lower case first") {
    CHECK(proxy_by({{"http_proxy", "p:1"}}, "http://h/") == "p:1");
    CHECK(proxy_by({{"HTTP_PROXY", "p:1"}}, "http://h/") == "none");
    CHECK(proxy_by({{"HTTP_PROXY", "p:1"}, {"ALL_PROXY", "a:2"}}, "http://h/") == "a:2");
    CHECK(proxy_by({{"https_proxy", "p:1"}}, "https://h/") == "p:1");
    CHECK(proxy_by({{"HTTPS_PROXY", "p:1"}}, "https://h/") == "p:1");
    CHECK(proxy_by({{"HTTPS_PROXY", "p:1"}, {"https_proxy", "q:2"}}, "https://h/") == "q:2");
    CHECK(proxy_by({{"https_proxy", "p:1"}}, "http://h/") == "none");
    CHECK(proxy_by({{"http_proxy", "p:1"}}, "https://h/") == "none");
    CHECK(proxy_by({{"all_proxy", "a:2"}, {"http_proxy", "p:1"}}, "http://h/") == "p:1");
    CHECK(proxy_by({{"all_proxy", "a:2"}, {"http_proxy", "p:1"}}, "https://h/") == "a:2");
}

TEST_CASE("no_proxy names who is reached without: names with all below them, addresses, networks, everybody") {
    const auto past = [](const std::string& list, const std::string& target) {
        return proxy_by({{"all_proxy", "p:1"}, {"no_proxy", list}}, target) == "none";
    };
    CHECK(past("*", "http://h/"));
    CHECK(past("example.org", "https://www.example.org/"));
    CHECK(past("a.example, .example.org", "http://example.org:8080/"));
    CHECK(past("127.0.0.1,::1", "http://127.0.0.1:8080/"));
    CHECK(past("127.0.0.1,::1", "http://[::1]/"));
    CHECK(past("10.0.0.0/8", "http://10.1.2.3/"));
    CHECK_FALSE(past("", "http://h/"));
    CHECK_FALSE(past("example.org", "http://notexample.org/"));
    CHECK_FALSE(past("example.org:80", "http://example.org/")); // as with curl: a port is no part of a name
    CHECK(proxy_by({{"all_proxy", "p:1"}, {"NO_PROXY", "h"}}, "http://h/") == "none");
    CHECK(proxy_by({{"all_proxy", "p:1"}, {"NO_PROXY", "h"}, {"no_proxy", "g"}}, "http://h/") == "p:1");
}

TEST_CASE("a variable that names no proxy is told, not passed over") {
    CHECK(proxy_by({{"http_proxy", "ftp://p"}}, "http://h/").find("'ftp://p'") != std::string::npos);
}
