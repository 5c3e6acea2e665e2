#include <tuyau/net/http/url.hpp>

#include <string>
#include <utility>

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
        {"http://me:se cret@h/", 12, "a space does not belong in a user name or password (write it as %20)"},
        {"http://me@home:secret@h/", 9, "'@'"},
        {"http://me:%zz@h/", 10, "two hexadecimal digits"},
        {"http://me:%4@h/", 10, "two hexadecimal digits"},
        {"http://me:%0a@h/", 10, "a control character"},
        {"http://me:secret@/", 17, "the host is missing"},
        {"https:/h/", 7, "two slashes belong behind 'https:'"},
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
    for (const std::string text : {"ftp://h/", "file:///etc/passwd", "a+b-c.d://x"}) {
        INFO(text);
        const auto read = parse_url(text);
        if (read) FAIL("it was accepted");
        CHECK(read.error().what == url_error::kind::unsupported);
    }
    CHECK(parse_url("ftp://h").error().text == "the scheme 'ftp' is not supported, only http and https are");
}

TEST_CASE("https has a port of its own, which goes unsaid as that of http does") {
    const auto plain = parse_url("https://h/x").value();
    CHECK((plain.secure && plain.port == 443 && plain.authority() == "h" && plain.target == "/x"));
    CHECK(parse_url("HTTPS://h:80").value().authority() == "h:80");
    CHECK(parse_url("http://h:443").value().authority() == "h:443");
    CHECK(parse_url("https://h:443/").value().to_string() == "https://h/");
    CHECK_FALSE(parse_url("h:443").value().secure);
}

TEST_CASE("a URL that was put together by hand says what of it cannot be sent") {
    const auto fault_of = [](const std::string& host, const std::string& target) {
        url made;
        made.host = host;
        made.target = target;
        return made.fault();
    };
    CHECK(fault_of("h", "*").empty());
    for (const char* each : {"h", "10.0.0.1:8080/a?b=%20'\"<>", "[::1]/", "[fe80::1%25eth0]/x~y"})
        CHECK(parse_url(each).value().fault().empty());
    CHECK(fault_of("h", "/a b") == "a space does not belong in a path or query (write it as %20)");
    CHECK(fault_of("h", "/a HTTP/1.1\r\nX: y").starts_with("a space does not belong in a path or query"));
    CHECK(fault_of("h", "/\r\nX:y") ==
          "the control character 0x0d does not belong in a path or query (write it as %0D)");
    CHECK(fault_of("h", "/\x7f").starts_with("the control character 0x7f"));
    CHECK(fault_of("h", std::string("/\0", 2)).starts_with("the control character 0x00"));
    CHECK(fault_of("h", "/caf\xc3\xa9").starts_with("the byte 0xc3"));
    CHECK(fault_of("h", "") == "a path begins with '/'");
    CHECK(fault_of("h", "@elsewhere/") == "a path begins with '/'"); // nor is it more of the authority
    CHECK(fault_of("", "/") == "the host is missing");
    CHECK(fault_of("h\r\nX: y", "/") == "the control character 0x0d does not belong in a host");
    CHECK(fault_of("h/path", "/") == "'/' does not belong in a host");
}

TEST_CASE("two URLs have the same origin when scheme, host and port are the same") {
    const auto same = [](const char* one, const char* other) {
        return parse_url(one).value().same_origin(parse_url(other).value());
    };
    CHECK(same("http://h/a", "http://H:80/b?c"));
    CHECK(same("http://me:secret@h/", "http://h/"));
    CHECK_FALSE(same("http://h/", "https://h/"));
    CHECK_FALSE(same("http://h:443/", "https://h/"));
    CHECK_FALSE(same("http://h/", "http://h:81/"));
    CHECK_FALSE(same("http://h/", "http://h.h/"));
}

TEST_CASE("user and password are taken out of a URL, without their percent encoding") {
    const auto user_of = [](const char* text) { return parse_url(text).value().user; };
    CHECK_FALSE(user_of("http://h/@x"));
    CHECK(user_of("http://me@h") == credentials{"me", ""});
    CHECK(user_of("http://me:@h") == credentials{"me", ""});
    CHECK(user_of("http://:secret@h") == credentials{"", "secret"});
    CHECK(user_of("me%40home:a:b%2Fc%25@[::1]:8/") == credentials{"me@home", "a:b/c%"});
    CHECK(parse_url("http://me:secret@h:1/").value().authority() == "h:1");
    CHECK(parse_url("http://me:secret@h:1/").value().to_string() == "http://h:1/");
}

TEST_CASE("user and password become a field of an Authorization") {
    CHECK(credentials{"Aladdin", "open sesame"}.basic() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); // RFC 7617, section 2
    CHECK(credentials{"", ""}.basic() == "Basic Og==");
    CHECK(credentials{"a", "b"}.basic() == "Basic YTpi");
    CHECK(credentials{"a", "\xff\xfe"}.basic() == "Basic YTr//g==");
}

TEST_CASE("a reference is resolved as RFC 3986 shows in its section 5.4") {
    const url base = parse_url("http://a/b/c/d;p?q").value();
    const std::pair<const char*, const char*> table[] = {
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"#s", "/b/c/d;p?q"},
        {"g#s", "/b/c/g"},
        {"g?y#s", "/b/c/g?y"},
        {";x", "/b/c/;x"},
        {"g;x", "/b/c/g;x"},
        {"", "/b/c/d;p?q"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"../../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {".g", "/b/c/.g"},
        {"g..", "/b/c/g.."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/./h", "/b/c/g/h"},
        {"g/../h", "/b/c/h"},
        {"g;x=1/./y", "/b/c/g;x=1/y"},
        {"g;x=1/../y", "/b/c/y"},
        {"g?y/./x", "/b/c/g?y/./x"},
        {"g?y/../x", "/b/c/g?y/../x"},
        {"g#s/../x", "/b/c/g"},
    };
    for (const auto& [reference, target] : table) {
        INFO(reference);
        const auto read = resolve_reference(base, reference);
        if (!read) FAIL(read.error().text);
        CHECK((read->host == "a" && read->port == 80 && !read->secure));
        CHECK(read->target == target);
    }
}

TEST_CASE("a reference may lead to another host or scheme, and what servers forget to encode is encoded") {
    const url base = parse_url("https://me:secret@a:8443/b").value();
    const auto led = [&](const char* reference) { return resolve_reference(base, reference).value(); };
    CHECK(led("//g/x").to_string() == "https://g/x");
    CHECK(led("http://g").to_string() == "http://g/");
    CHECK(led("HTTP://g/a/../b").to_string() == "http://g/b");
    CHECK(led("/a b/caf\xc3\xa9").to_string() == "https://a:8443/a%20b/caf%C3%A9");
    CHECK(led("/x").user == base.user);
    CHECK_FALSE(led("//a:8443/").user);
}

TEST_CASE("a reference that leads nowhere is told") {
    const url base = parse_url("http://a/b").value();
    CHECK(resolve_reference(base, "ftp://h/").error().what == url_error::kind::unsupported);
    CHECK(resolve_reference(base, "mailto:me@h").error().what == url_error::kind::unsupported);
    CHECK(resolve_reference(base, "x:80/y").error().what == url_error::kind::unsupported); // a scheme, not a host
    CHECK(resolve_reference(base, "http:g").error().what == url_error::kind::unsupported);
    CHECK(resolve_reference(base, "/a\tb").error().what == url_error::kind::malformed);
    CHECK(resolve_reference(base, "/a\tb").error().offset == 2);
    CHECK(resolve_reference(base, "http://").error().text == "the host is missing");
}
