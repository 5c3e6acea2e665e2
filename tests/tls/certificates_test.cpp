// Whose certificate is accepted, and what is said of one that is not.

#include <tuyau/net/tls/tls_stream.hpp>

#include <cstdlib>
#include <string>
#include <unistd.h>
#include <utility>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "ends.hpp"

#include <tuyau/net/tls/settings.hpp>

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using tests::certificate_wish;
using tests::certificates;
using tests::handshake_outcome;
using tests::identity;
using tuyau::loop;
using tuyau::task;
using tuyau::tls_client_options;
using tuyau::tls_context;
using tuyau::tls_errc;
using tuyau::tls_server_options;

namespace {

using outcomes = std::pair<handshake_outcome, handshake_outcome>;

outcomes shake(const tls_context& server, const tls_context& client, std::string_view host) {
    loop here;
    tests::two_ends<> ends(server, client, host);
    return here.run(ends.handshake());
}

/// What a client that trusts the root says of a server with the certificate that `wish` describes.
handshake_outcome verdict(const certificate_wish& wish, std::string_view host) {
    const certificates files;
    const identity server = files.root.issue(wish);
    files.write("own.pem", server.certificate() + server.key());
    return shake(tls_context::server({.certificate_file = files / "own.pem"}), files.client_context(), host).second;
}

} // namespace

TEST_CASE("a certificate is for the names and addresses in it, and for no other") {
    const certificate_wish wish{
        .common_name = "ignored.example",
        .names = {"DNS:example.org", "DNS:*.example.net", "IP:127.0.0.1", "IP:::1"},
    };
    for (const char* host :
         {"example.org", "EXAMPLE.org", "example.org.", "www.example.net", "127.0.0.1", "::1", "[::1]"}) {
        INFO(host);
        CHECK(verdict(wish, host).explanation == "");
    }
    for (const char* host :
         {"example.com", "www.example.org", "a.b.example.net", "example.net", "127.0.0.2", "::2", "ignored.example"}) {
        const auto told = verdict(wish, host);
        CHECK(told.error == tls_errc::wrong_name);
        CHECK(told.explanation == "the certificate of " + std::string(host) +
                                      " is for another name: example.org, *.example.net, 127.0.0.1, ::1");
    }
}

TEST_CASE("a certificate that names nobody, or very many, is told in few words") {
    const auto none = verdict({.common_name = "cn.example"}, "example.org");
    CHECK(none.explanation ==
          "the certificate of example.org is for no name at all (no subjectAltName; its subject is 'CN = cn.example')");
    certificate_wish wish;
    for (int number = 1; number <= 40; ++number) wish.names.push_back("DNS:host" + std::to_string(number) + ".example");
    const auto many = verdict(wish, "example.org");
    CHECK_THAT(many.explanation, ContainsSubstring("host5.example and 35 more"));
}

TEST_CASE("a certificate is not for its common name") {
    const auto told = verdict({.common_name = "cn.example"}, "cn.example");
    CHECK(told.error == tls_errc::wrong_name);
    CHECK_THAT(told.explanation, StartsWith("the certificate of cn.example is for no name at all"));
    CHECK(verdict({.common_name = "127.0.0.1"}, "127.0.0.1").error == tls_errc::wrong_name);
}

TEST_CASE("a name in a certificate cannot bring control characters to a terminal") {
    const auto told = verdict({.common_name = "evil\x1b[2Jname\n"}, "example.org");
    CHECK_THAT(told.explanation, ContainsSubstring("its subject is 'CN = evil\\1B[2Jname\\0A'"));
}

TEST_CASE("a certificate that has expired, or is not valid yet, is told with the date") {
    const auto old = verdict({.names = {"DNS:example.org"}, .valid_from = -10, .valid_until = -3}, "example.org");
    CHECK(old.error == tls_errc::certificate_expired);
    CHECK_THAT(old.explanation, StartsWith("the certificate of example.org expired on 20"));
    const auto early = verdict({.names = {"DNS:example.org"}, .valid_from = 3, .valid_until = 9}, "example.org");
    CHECK(early.error == tls_errc::certificate_not_yet_valid);
    CHECK_THAT(early.explanation,
               StartsWith("the certificate of example.org is valid from 20") && ContainsSubstring("and here it is 20"));
}

TEST_CASE("an expired certificate in the middle is told by its own name") {
    const certificates files;
    const identity middle =
        files.root.issue({.common_name = "middle", .valid_from = -10, .valid_until = -3, .may_issue = true});
    const identity server = middle.issue({.names = {"DNS:localhost"}});
    files.write("own.pem", server.certificate() + middle.certificate() + server.key());
    const auto told =
        shake(tls_context::server({.certificate_file = files / "own.pem"}), files.client_context(), "localhost");
    CHECK(told.second.error == tls_errc::certificate_expired);
    CHECK_THAT(told.second.explanation,
               StartsWith("the certificate of 'CN = middle', which vouches for localhost, expired on 20"));
    CHECK(told.first.error == tls_errc::certificate_refused);
    CHECK(told.first.explanation == "the client does not accept our certificate: certificate expired");
}

TEST_CASE("a self-signed certificate is accepted where it is itself trusted, and only there") {
    const certificates files;
    const identity lone({.common_name = "lone", .names = {"DNS:localhost"}});
    files.write("own.pem", lone.certificate() + lone.key());
    const auto server = tls_context::server({.certificate_file = files / "own.pem"});
    const auto told = shake(server, files.client_context(), "localhost");
    CHECK(told.second.error == tls_errc::self_signed);
    CHECK(told.second.explanation == "the certificate of localhost is self-signed: nobody vouches for it");
    CHECK(told.first.error == tls_errc::certificate_refused);
    CHECK(shake(server, tls_context::client({.ca_file = files / "own.pem"}), "localhost").second.explanation == "");
}

TEST_CASE("an unknown issuer is named, whether the server sends its certificate or not") {
    const certificates files;
    const identity other({.common_name = "somebody else", .may_issue = true});
    const identity server = other.issue({.names = {"DNS:localhost"}});
    files.write("alone.pem", server.certificate() + server.key());
    files.write("with.pem", server.certificate() + other.certificate() + server.key());
    const auto alone =
        shake(tls_context::server({.certificate_file = files / "alone.pem"}), files.client_context(), "localhost");
    CHECK(alone.second.error == tls_errc::unknown_issuer);
    CHECK(alone.second.explanation ==
          "the certificate of localhost cannot be verified: its issuer is unknown: 'CN = somebody else'");
    const auto with =
        shake(tls_context::server({.certificate_file = files / "with.pem"}), files.client_context(), "localhost");
    CHECK(with.second.error == tls_errc::unknown_issuer);
    CHECK(with.second.explanation ==
          "the certificate of localhost leads to an issuer that is not trusted here: 'CN = somebody else'");
}

TEST_CASE("the system's store trusts no root of ours, unless SSL_CERT_FILE names it") {
    const certificates files;
    const auto told = shake(files.server_context(), tls_context::client(), "localhost");
    CHECK(told.second.error == tls_errc::unknown_issuer);
    const auto outcome = tests::in_child([&] {
        ::setenv("SSL_CERT_FILE", (files / "root.pem").c_str(), 1);
        return shake(files.server_context(), tls_context::client(), "localhost").second.error ? 1 : 0;
    });
    CHECK(outcome.exit_code == 0);
}

TEST_CASE("a folder of trusted certificates is asked for the one that is needed") {
    const certificates files;
    const tests::temporary_folder folder;
    const auto with_folder = [&] {
        const auto client = tls_context::client({.ca_folder = folder / ""});
        return shake(files.server_context(), client, "localhost").second.error;
    };
    CHECK(with_folder() == tls_errc::unknown_issuer);
    folder.write(files.root.hash_name(), files.root.certificate());
    CHECK_FALSE(with_folder());
}

TEST_CASE("SSL_CERT_DIR names the system's folder, and hides none of the certificates in the system's file") {
    const certificates files;
    const tests::temporary_folder folder;
    folder.write(files.root.hash_name(), files.root.certificate());
    const bool has_system_file = ::access(X509_get_default_cert_file(), R_OK) == 0;
    const auto outcome = tests::in_child([&] {
        ::unsetenv("SSL_CERT_FILE");
        ::setenv("SSL_CERT_DIR", (folder / "").c_str(), 1);
        const tls_context client = tls_context::client();
        const X509_STORE* store = SSL_CTX_get_cert_store(client.settings()->native());
        if (has_system_file && sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) < 2) return 2;
        return shake(files.server_context(), client, "localhost").second.error ? 1 : 0;
    });
    CHECK(outcome.exit_code == 0);
}

TEST_CASE("a certificate whose issuer calls it back is refused by who has the list") {
    const certificates files;
    files.write("none.crl", files.root.revocation_list({}));
    files.write("server.crl", files.root.revocation_list({&files.server}));
    const identity other({.common_name = "somebody else", .may_issue = true});
    files.write("other.crl", other.revocation_list({}));
    const auto with = [&](const std::string& list) {
        const auto client = tls_context::client({.ca_file = files / "root.pem", .crl_file = files / list});
        return shake(files.server_context(), client, "localhost").second;
    };
    CHECK(with("none.crl").explanation == "");
    const auto told = with("server.crl");
    CHECK(told.error == tls_errc::revoked);
    CHECK(told.explanation == "the certificate of localhost was revoked by 'CN = root of the test'");
    const auto unknown = with("other.crl");
    CHECK(unknown.error == tls_errc::revocation_unknown);
    CHECK_THAT(unknown.explanation,
               StartsWith("whether the certificate of localhost was revoked is not known: no current "
                          "list of 'CN = root of the test'"));
}

TEST_CASE("a client that verifies nothing talks to anybody") {
    const certificates files;
    const identity lone({.common_name = "lone", .valid_from = -10, .valid_until = -3});
    files.write("own.pem", lone.certificate() + lone.key());
    const auto server = tls_context::server({.certificate_file = files / "own.pem"});
    const auto client = tls_context::client({.verify = false});
    CHECK(shake(server, client, "example.org").second.explanation == "");
    CHECK(shake(server, client, "").second.explanation == "");
}

TEST_CASE("a client that verifies says whom it wants to talk to") {
    const certificates files;
    for (const std::string& host : {std::string(), std::string("local\0host", 10)}) {
        loop here;
        tests::two_ends<> ends(files.server_context(), files.client_context(), host);
        auto done = here.run(ends.client.handshake());
        REQUIRE_FALSE(done);
        CHECK(done.error() == std::errc::invalid_argument);
        CHECK_THAT(ends.client.explanation(), ContainsSubstring("is no name that a certificate could be for"));
    }
}

TEST_CASE("a server may ask its clients who they are") {
    using asks = tls_server_options::client_certificate;
    const certificates files;
    const identity friend_ = files.root.issue({.common_name = "a friend"});
    const identity stranger({.common_name = "a stranger"});
    files.write("friend.pem", friend_.certificate());
    files.write("friend.key", friend_.key());
    files.write("stranger.pem", stranger.certificate() + stranger.key());
    const auto server = [&](asks how, tuyau::tls_version most) {
        return tls_context::server({.certificate_file = files / "server.pem",
                                    .client = how,
                                    .client_ca_file = files / "root.pem",
                                    .most = most});
    };
    const auto client = [&](const std::string& certificate, const std::string& key) {
        return tls_context::client({.ca_file = files / "root.pem",
                                    .certificate_file = certificate.empty() ? "" : files / certificate,
                                    .key_file = key.empty() ? "" : files / key});
    };
    for (const auto version : {tuyau::tls_version::tls1_2, tuyau::tls_version::tls1_3}) {
        {
            loop here;
            tests::two_ends<> ends(server(asks::required, version), client("friend.pem", "friend.key"));
            here.run(ends.connect());
            CHECK(ends.server.peer_certificate()->subject == "CN = a friend");
            CHECK(ends.client.peer_certificate()->names == std::vector<std::string>{"localhost"});
        }
        CHECK(shake(server(asks::asked, version), client("", ""), "localhost").first.explanation == "");
        const auto bare = shake(server(asks::required, version), client("", ""), "localhost");
        CHECK(bare.first.error == tls_errc::certificate_missing);
        CHECK(bare.first.explanation == "the client has shown no certificate");
        const auto strange = shake(server(asks::required, version), client("stranger.pem", ""), "localhost");
        CHECK(strange.first.error == tls_errc::self_signed);
        CHECK(strange.first.explanation == "the certificate of the client is self-signed: nobody vouches for it");
    }
}

TEST_CASE("a client learns that its certificate is not accepted, though its own handshake was over") {
    const certificates files;
    const auto server = tls_context::server({.certificate_file = files / "server.pem",
                                             .client = tls_server_options::client_certificate::required,
                                             .client_ca_file = files / "root.pem"});
    loop here;
    tests::two_ends<> ends(server, files.client_context());
    here.run([](tests::two_ends<>& both) -> task<> {
        const auto told = co_await both.handshake();
        CHECK(told.first.error == tls_errc::certificate_missing);
        auto received = co_await both.client.receive();
        REQUIRE_FALSE(received);
        CHECK(received.error() == tls_errc::certificate_refused);
        CHECK(both.client.explanation() == "the server asks for a certificate, and none was shown");
    }(ends));
}

TEST_CASE("files that are of no use are named, with the reason") {
    const certificates files;
    files.write("empty.pem", "");
    files.write("only.pem", files.server.certificate());
    files.write("wrong.pem", files.server.certificate() + files.root.key());
    const auto told = [](const auto& make) -> std::string {
        try {
            make();
        } catch (const std::system_error& error) {
            return error.what();
        }
        return "nothing";
    };
    const auto client = [&](tls_client_options options) { return told([&] { tls_context::client(options); }); };
    const auto server = [&](tls_server_options options) { return told([&] { tls_context::server(options); }); };
    CHECK(client({.ca_file = files / "none.pem"}) ==
          "cannot read the file of trusted certificates '" + files / "none.pem" + "': No such file or directory");
    CHECK_THAT(client({.ca_file = files / "empty.pem"}), StartsWith("cannot use the file of trusted certificates"));
    CHECK_THAT(client({.ca_folder = files / "none"}), ContainsSubstring("No such file or directory"));
    CHECK_THAT(client({.ca_folder = files / "root.pem"}), ContainsSubstring("Not a directory"));
    CHECK_THAT(client({.crl_file = files / "root.pem"}), StartsWith("cannot use the list of revoked certificates"));
    CHECK_THAT(client({.certificate_file = files / "empty.pem"}), StartsWith("cannot use the certificate"));
    CHECK_THAT(server({.certificate_file = files / "only.pem"}), StartsWith("cannot use the key"));
    CHECK_THAT(server({.certificate_file = files / "wrong.pem"}),
               StartsWith("cannot use the key") && ContainsSubstring("key values mismatch"));
    CHECK_THAT(server({}), StartsWith("a TLS server needs a certificate"));
    CHECK_THAT(server({.certificate_file = files / "server.pem", .protocols = {""}}),
               ContainsSubstring("1 to 255 bytes"));
    CHECK_THAT(
        server({.certificate_file = files / "server.pem", .client = tls_server_options::client_certificate::asked}),
        ContainsSubstring("who vouches for them"));
    CHECK_THAT(server({.certificate_file = files / "server.pem",
                       .least = tuyau::tls_version::tls1_3,
                       .most = tuyau::tls_version::tls1_2}),
               ContainsSubstring("above the highest"));
}
