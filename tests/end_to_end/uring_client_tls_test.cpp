// uring-client and curl against `openssl s_server`, with certificates that are right, and wrong in every way.

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tls/authority.hpp"
#include "uring_client_support.hpp"

using namespace tests;

namespace {

constexpr int handshake_failed = 35;
constexpr int own_certificate = 58;
constexpr int not_trusted = 60;
constexpr int authorities_unreadable = 77;

/// Serves a page about the connection, at a port that the kernel picked.
class openssl_server {
public:
    explicit openssl_server(const std::string& certificate, std::vector<std::string> options = {})
        : program_(command(certificate, std::move(options))) {
        for (auto line = program_.read_line(); line; line = program_.read_line())
            if (line->starts_with("ACCEPT ")) {
                port_ = line->substr(line->rfind(':') + 1);
                return;
            }
        throw std::runtime_error("openssl s_server does not serve: " + program_.read_errors());
    }

    const std::string& port() const { return port_; }
    std::string url() const { return "https://localhost:" + port_ + "/"; }
    std::string told() const { return "localhost:" + port_ + ":127.0.0.1"; } ///< for --resolve

private:
    static std::vector<std::string> command(const std::string& certificate, std::vector<std::string> options) {
        std::vector<std::string> all = {"openssl",   "s_server", "-accept",   "127.0.0.1:0", "-cert",
                                        certificate, "-key",     certificate, "-www"};
        all.insert(all.end(), options.begin(), options.end());
        return all;
    }

    process program_;
    std::string port_;
};

struct authorities {
    authorities() {
        write_file(folder / "root.pem", root.certificate());
        write_file(folder / "none.pem", "no certificate");
    }

    /// A file with a certificate of that name, and its key.
    std::string file(const std::string& name, const identity& whose, const std::string& more = "") const {
        write_file(folder / name, whose.certificate() + more + whose.key());
        return folder / name;
    }

    temporary_folder folder;
    const identity root{{.common_name = "root of the test", .may_issue = true}};
    const identity stranger{{.common_name = "somebody else", .may_issue = true}};
};

outcome ask(const openssl_server& server, std::vector<std::string> options) {
    options.insert(options.end(), {"--resolve", server.told(), "-m", "50", server.url()});
    return run(ours(options));
}

int curls_code(const openssl_server& server, std::vector<std::string> options) {
    options.insert(options.end(), {"--resolve", server.told(), "-m", "50", server.url()});
    return run(curl(options)).code;
}

} // namespace

TEST_CASE("uring-client -w tells when a connection was secured") {
    const authorities all;
    const openssl_server server(all.file("right", all.root.issue({.names = {"DNS:localhost"}})));
    const outcome got =
        ask(server, {"--cacert", all.folder / "root.pem", "-o", "/dev/null", "-w",
                     "%{time_connect} %{time_appconnect} %{time_pretransfer} %{time_starttransfer} %{time_total}"});
    const auto times = numbers_in(got.output);
    REQUIRE(times.size() == 5);
    CHECK(std::is_sorted(times.begin(), times.end()));
    CHECK(times[1] > times[0]);
}

TEST_CASE("uring-client trusts whom the authorities vouch for, and says why it does not trust others") {
    const authorities all;
    const std::string root = all.folder / "root.pem";
    const std::vector<std::string> names = {"DNS:localhost"};
    const identity middle = all.root.issue({.common_name = "middle", .may_issue = true});
    write_file(all.folder / "middle.pem", middle.certificate());
    struct row {
        std::string name;
        std::string certificate;
        int code;
        std::string told;
    };
    const row table[] = {
        {"right", all.file("right", all.root.issue({.names = names})), done, ""},
        {"through another authority", all.file("chain", middle.issue({.names = names}), middle.certificate()), done,
         ""},
        {"the authority between is missing", all.file("gap", middle.issue({.names = names})), not_trusted,
         "--cacert FILE trusts its authority"},
        {"expired", all.file("expired", all.root.issue({.names = names, .valid_from = -9, .valid_until = -1})),
         not_trusted, "expired on"},
        {"not yet valid", all.file("young", all.root.issue({.names = names, .valid_from = 5, .valid_until = 9})),
         not_trusted, "is this machine's clock wrong?"},
        {"of another name", all.file("other", all.root.issue({.names = {"DNS:example.org"}})), not_trusted,
         "is the host's name right?"},
        {"self-signed", all.file("self", identity({.names = names})), not_trusted, "self-signed"},
        {"of an unknown issuer", all.file("stranger", all.stranger.issue({.names = names})), not_trusted,
         "--cacert FILE trusts its authority"},
    };
    for (const row& each : table) {
        INFO(each.name);
        std::vector<std::string> chain;
        if (each.certificate.ends_with("chain")) chain = {"-cert_chain", all.folder / "middle.pem"};
        const openssl_server server(each.certificate, chain);
        const outcome got = ask(server, {"--cacert", root});
        CHECK(got.code == each.code);
        CHECK(curls_code(server, {"--cacert", root}) == each.code);
        if (each.code == done) {
            CHECK(got.output.find("TLSv1.3") != std::string::npos);
            CHECK(got.errors.empty());
        } else {
            CHECK(got.output.empty());
            check_one_line(got, "localhost:" + server.port());
            check_one_line(got, each.told);
        }
        const outcome trusting = ask(server, {"-k"});
        CHECK(trusting.code == done);
        CHECK(trusting.output.find("TLSv1.3") != std::string::npos);
    }
    const openssl_server server(table[0].certificate);
    CHECK(ask(server, {}).code == not_trusted); // by the system's store
    CHECK(ask(server, {"--capath", all.folder / ""}).code == not_trusted);
    write_file(all.folder / all.root.hash_name(), all.root.certificate());
    CHECK(ask(server, {"--capath", all.folder / ""}).code == done);
    CHECK(curls_code(server, {"--capath", all.folder / ""}) == done);
}

TEST_CASE("uring-client trusts an https proxy by the options for proxies, and not by those for servers") {
    const authorities all;
    const std::string root = all.folder / "root.pem";
    const std::string mine = all.file("mine", all.root.issue({.common_name = "me"}));
    // A server that answers whatever is asked of it, by its own page.
    const openssl_server proxy(all.file("proxy", all.root.issue({.names = {"DNS:localhost"}})), {"-verify", "1"});
    const auto ask_by_proxy = [&](std::vector<std::string> options) {
        options.insert(options.end(), {"-x", "https://localhost:" + proxy.port(), "--noproxy", "", "--resolve",
                                       proxy.told(), "-m", "50", "http://name.invalid/"});
        return options;
    };
    struct row {
        std::vector<std::string> options;
        int code;
    };
    const row table[] = {
        {{}, not_trusted},
        {{"-k"}, not_trusted},
        {{"--cacert", root}, not_trusted},
        {{"--proxy-cacert", root}, done},
        {{"--proxy-cacert", root, "--cert", mine}, done},
        {{"--proxy-insecure"}, done},
        {{"--proxy-cacert", all.folder / "none.pem"}, authorities_unreadable},
    };
    for (const row& each : table) {
        INFO((each.options.empty() ? std::string() : each.options.front()));
        const outcome got = run(ours(ask_by_proxy(each.options)));
        CHECK(got.code == each.code);
        CHECK(run(curl(ask_by_proxy(each.options))).code == each.code);
        if (each.code != done) continue;
        CHECK(got.output.find("TLSv1.3") != std::string::npos);
        CHECK(got.output.find("no client certificate available") != std::string::npos);
    }
    check_one_line(run(ours(ask_by_proxy({"-k"}))), "--proxy-cacert FILE trusts its authority");
}

TEST_CASE("uring-client refuses a certificate that was called back") {
    const authorities all;
    const identity good = all.root.issue({.names = {"DNS:localhost"}});
    const identity bad = all.root.issue({.names = {"DNS:localhost"}});
    write_file(all.folder / "revoked.pem", all.root.revocation_list({&bad}));
    const std::vector<std::string> options = {"--cacert", all.folder / "root.pem", "--crlfile",
                                              all.folder / "revoked.pem"};
    const openssl_server revoked(all.file("bad", bad));
    const outcome refused = ask(revoked, options);
    CHECK(refused.code == not_trusted);
    check_one_line(refused, "revoked");
    CHECK(curls_code(revoked, options) == not_trusted);
    const openssl_server server(all.file("good", good));
    CHECK(ask(server, options).code == done);
}

TEST_CASE("uring-client refuses a chain whose authority was called back") {
    const authorities all;
    const identity called_back = all.root.issue({.common_name = "called back", .may_issue = true});
    const identity kept = all.root.issue({.common_name = "kept", .may_issue = true});
    for (const identity* middle : {&called_back, &kept}) {
        const std::string chain = all.folder / "middle.pem";
        write_file(chain, middle->certificate());
        const openssl_server server(all.file("server", middle->issue({.names = {"DNS:localhost"}})),
                                    {"-cert_chain", chain});
        // Lists of both issuers: the root's names the authority, the authority's names nobody.
        write_file(all.folder / "lists.pem", all.root.revocation_list({&called_back}) + middle->revocation_list({}));
        const std::vector<std::string> options = {"--cacert", all.folder / "root.pem", "--crlfile",
                                                  all.folder / "lists.pem"};
        const outcome got = ask(server, options);
        CHECK(curls_code(server, options) == got.code);
        if (middle == &kept) {
            CHECK(got.code == done);
            continue;
        }
        CHECK(got.code == not_trusted);
        check_one_line(got, "the certificate of 'CN = called back', which vouches for localhost, was revoked by "
                            "'CN = root of the test'");
    }
}

TEST_CASE("uring-client shows its certificate to a server that asks, and says when that fails") {
    const authorities all;
    const std::string root = all.folder / "root.pem";
    const std::string mine = all.file("mine", all.root.issue({.common_name = "me"}));
    const openssl_server server(all.file("server", all.root.issue({.names = {"DNS:localhost"}})),
                                {"-Verify", "1", "-CAfile", root, "-verify_return_error"});
    CHECK(ask(server, {"--cacert", root, "--cert", mine}).code == done);
    const outcome without = ask(server, {"--cacert", root});
    CHECK(without.code != done);
    check_one_line(without, "certificate");

    const outcome missing = ask(server, {"--cacert", root, "--cert", all.folder / "no-such"});
    CHECK(missing.code == own_certificate);
    check_one_line(missing, "no-such");
    const outcome none = ask(server, {"--cacert", all.folder / "none.pem"});
    CHECK(none.code == authorities_unreadable);
    check_one_line(none, "none.pem");
}

TEST_CASE("uring-client speaks TLS 1.2 and 1.3, and nothing older") {
    const authorities all;
    const std::string root = all.folder / "root.pem";
    const std::string file = all.file("server", all.root.issue({.names = {"DNS:localhost"}}));
    const openssl_server two(file, {"-tls1_2"});
    CHECK(ask(two, {"--cacert", root}).output.find("TLSv1.2") != std::string::npos);
    const outcome too_old = ask(two, {"--cacert", root, "--tlsv1.3"});
    CHECK(too_old.code == handshake_failed);
    check_one_line(too_old, "no TLS with localhost:" + two.port());
    const openssl_server old(file, {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"});
    CHECK(ask(old, {"--cacert", root}).code == handshake_failed);
}

TEST_CASE("uring-client tells http and https apart when the server takes the other") {
    const authorities all;
    one_client_server plain([](socket_client& client) {
        client.receive();
        client.send("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
        client.receive_all();
    });
    const outcome no_tls = run(ours({"https://" + plain.host() + "/"}));
    CHECK(no_tls.code == handshake_failed);
    check_one_line(no_tls, "http://");
    const openssl_server secure(all.file("server", all.root.issue({.names = {"DNS:localhost"}})));
    const outcome no_http = run(ours({"http://127.0.0.1:" + secure.port() + "/"}));
    CHECK(no_http.code != done);
    check_one_line(no_http, "127.0.0.1:" + secure.port());
}

TEST_CASE("uring-client tcp --tls talks over TLS, at either end") {
    const authorities all;
    const std::string file = all.file("server", all.root.issue({.names = {"DNS:localhost"}}));
    process server(ours({"tcp", "--listen", "--tls", "--cert", file, "127.0.0.1", "0"}));
    // Where it listens is told on standard error, which is read in the end: so ask the kernel.
    std::string port;
    while (port.empty() && server.running()) {
        const outcome listening = run({"sh", "-c", "ss -Hltnp 2>/dev/null | grep pid=" + std::to_string(server.id())});
        const auto at = listening.output.find("127.0.0.1:");
        if (at != std::string::npos) port = listening.output.substr(at + 10, listening.output.find(' ', at) - at - 10);
    }
    const std::string big = random_bytes(50'000); // what a pipe takes, since nobody reads it meanwhile
    server.write("from the server\n");
    server.close_input(); // long before the client has said all
    const outcome client = run(ours({"tcp", "--tls", "--cacert", all.folder / "root.pem", "--resolve",
                                     "localhost:" + port + ":127.0.0.1", "localhost", port}),
                               big);
    CHECK(client.code == done);
    CHECK(client.output == "from the server\n");
    CHECK(same(server.read_output(), big));
    CHECK(server.wait() == done);
    CHECK(client.errors.empty());
}
