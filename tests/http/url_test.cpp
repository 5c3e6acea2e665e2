#include <tuyau/net/http/url.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace tuyau::http;

namespace {

struct good {
    std::string text;
    std::string host;
    std::uint16_t port;
    std::string target;
    std::string authority;
};

struct bad {
    std::string text;
    std::size_t offset;
    std::string why;
};

} // namespace

TEST_CASE("a URL is taken apart into host, port and target") {
    const good table[] = {
        {"http://localhost", "localhost", 80, "/", "localhost"},
        {"http://localhost/", "localhost", 80, "/", "localhost"},
        {"http://localhost:8080/a/b?c=d", "localhost", 8080, "/a/b?c=d", "localhost:8080"},
        {"HTTP://Example.COM/Path", "Example.COM", 80, "/Path", "Example.COM"},
        {"http://h:80/", "h", 80, "/", "h"},
        {"http://h:/x", "h", 80, "/x", "h"},
        {"http://h:65535", "h", 65535, "/", "h:65535"},
        {"http://h:00080/", "h", 80, "/", "h"},
        {"127.0.0.1:8080/x", "127.0.0.1", 8080, "/x", "127.0.0.1:8080"},
        {"localhost", "localhost", 80, "/", "localhost"},
        {"localhost:1", "localhost", 1, "/", "localhost:1"},
        {"a_b-c.d/", "a_b-c.d", 80, "/", "a_b-c.d"},
        {"http://h?q=1", "h", 80, "/?q=1", "h"},
        {"http://h#part", "h", 80, "/", "h"},
        {"http://h/x#part?not=query", "h", 80, "/x", "h"},
        {"http://h/?#", "h", 80, "/?", "h"},
        {"http://h//a//b", "h", 80, "//a//b", "h"},
        {"http://h/../a/./b", "h", 80, "/../a/./b", "h"},
        {"http://h/%20%zz", "h", 80, "/%20%zz", "h"},
        {"http://h/@:[]{}|\\^`\"<>~!$&'()*+,;=", "h", 80, "/@:[]{}|\\^`\"<>~!$&'()*+,;=", "h"},
        {"h/?to=http://other:1/x", "h", 80, "/?to=http://other:1/x", "h"},
        {"http://[::1]", "::1", 80, "/", "[::1]"},
        {"http://[::1]:8080/x", "::1", 8080, "/x", "[::1]:8080"},
        {"[2001:db8::7]:1?q", "2001:db8::7", 1, "/?q", "[2001:db8::7]:1"},
        {"http://[fe80::1%25eth0]:2/", "fe80::1%eth0", 2, "/", "[fe80::1]:2"},
        {"http://[fe80::1%eth0]/", "fe80::1%eth0", 80, "/", "[fe80::1]"},
    };
    for (const good& each : table) {
        INFO(each.text);
        const auto read = parse_url(each.text);
        if (!read) FAIL(read.error().text);
        CHECK(read->host == each.host);
        CHECK(read->port == each.port);
        CHECK(read->target == each.target);
        CHECK(read->authority() == each.authority);
    }
}

TEST_CASE("what is wrong with a URL is said, and where") {
    const bad table[] = {
        {"", 0, "the host is missing"},
        {"http://", 7, "the host is missing"},
        {"http:///x", 7, "the host is missing"},
        {"http://:80/", 7, "the host is missing"},
        {"http://?x", 7, "the host is missing"},
        {"http:/localhost/", 6, "two slashes"},
        {"http://a b/", 8, "a space"},
        {"http://a/b c", 10, "a space does not belong here (write it as %20)"},
        {"http://a/b\tc", 10, "0x09"},
        {"http://a/\r\nX: y", 9, "0x0d"},
        {std::string("http://a/\0", 10), 9, "0x00"},
        {"http://a/\x7f", 9, "0x7f"},
        {"http://a/caf\xc3\xa9", 12, "%C3"},
        {"http://caf\xc3\xa9.fr/", 10, "xn--"},
        {"http://a%20b/", 8, "'%'"},
        {"http://a\\b/", 8, "'\\'"},
        {"http://me:secret@h/", 16, "user names and passwords"},
        {"http://me@h/", 9, "user names and passwords"},
        {"http://h:80x/", 11, "'x' does not belong in a port"},
        {"http://h:-1/", 9, "'-' does not belong in a port"},
        {"http://h:65536/", 9, "at most 65535"},
        {"http://h:99999999999999999999/", 9, "at most 65535"},
        {"http://h:0/", 9, "port 0"},
        {"http://[::1/", 7, "']'"},
        {"http://[::1/]", 7, "']'"},
        {"http://[127.0.0.1]/", 8, "not an IPv6 address"},
        {"http://[::g]/", 8, "not an IPv6 address"},
        {"http://[]/", 8, "not an IPv6 address"},
        {"http://[::1]x/", 12, "'x'"},
        {"http://[fe80::1%25]/", 15, "network interface"},
        {"http://[fe80::1%25a/b]/", 7, "']'"},
        {"http://" + std::string(254, 'a') + "/", 7 + 253, "too long"},
    };
    for (const bad& each : table) {
        INFO(each.text);
        const auto read = parse_url(each.text);
        if (read) FAIL("it was accepted");
        CHECK(read.error().what == url_error::kind::malformed);
        CHECK(read.error().offset == each.offset);
        INFO(read.error().text);
        CHECK(read.error().text.find(each.why) != std::string::npos);
    }
}

TEST_CASE("a scheme that is not spoken is told apart from a malformed URL") {
    for (const std::string text :
         {"https://localhost/", "HTTPS://h", "ftp://h/", "file:///etc/passwd", "a+b-c.d://x"}) {
        INFO(text);
        const auto read = parse_url(text);
        if (read) FAIL("it was accepted");
        CHECK(read.error().what == url_error::kind::unsupported);
    }
    CHECK(parse_url("https://h").error().text == "https is not supported by this version");
}
