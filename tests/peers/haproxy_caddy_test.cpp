// uring-client beside curl against haproxy and caddy, in the clear and over TLS: the same commands, the same bytes.

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/scripted_server.hpp"
#include "tls/authority.hpp"
#include "end_to_end/uring_client_support.hpp"

using namespace tests;

namespace {

using command_line = std::vector<std::string>;

/// Certificates for localhost.
struct credentials {
    credentials() {
        const identity root{{.common_name = "root of the test", .may_issue = true}};
        const identity server = root.issue({.names = {"DNS:localhost", "IP:127.0.0.1"}});
        write_file(folder / "root.pem", root.certificate());
        write_file(folder / "server.pem", server.certificate());
        write_file(folder / "server.key", server.key());
        write_file(folder / "both.pem", server.certificate() + server.key());
    }
    temporary_folder folder;
};

/// A server with a port for http and one for https, set up in a folder of its own.
struct two_ports {
    std::string plain = closed_port();
    std::string secure = closed_port();
    std::string url(bool with_tls, const std::string& path) const {
        return (with_tls ? "https://localhost:" + secure : "http://localhost:" + plain) + path;
    }
};

/// Has both programs ask by each line of the table, in which what begins with a slash is a path on the server.
void check_same(const two_ports& server, const credentials& trusted, const std::vector<command_line>& table,
                const std::string& input = {}) {
    for (const bool with_tls : {false, true}) {
        for (const command_line& each : table) {
            command_line arguments{"--cacert",  trusted.folder / "root.pem",
                                   "--resolve", "localhost:" + (with_tls ? server.secure : server.plain) + ":127.0.0.1",
                                   "-m",        "50"};
            std::string shown = with_tls ? "https:" : "http:";
            for (const std::string& word : each) {
                arguments.push_back(word.starts_with('/') ? server.url(with_tls, word) : word);
                shown += ' ' + word;
            }
            INFO(shown);
            const outcome mine = run(ours(arguments), input);
            arguments.insert(arguments.begin(), "--http1.1");
            const outcome curls = run(curl(arguments), input);
            INFO(mine.errors << curls.errors);
            CHECK(mine.code == curls.code);
            CHECK(same(without_date(mine.output), without_date(curls.output)));
            CHECK(mine.errors.empty() == (mine.code == 0));
        }
    }
}

/// Behind a proxy: answers by the path, and goes on.
void serve_by_path(conversation& client) {
    for (;;) {
        const std::string request = client.receive_request();
        if (request.empty()) return;
        const std::string target = request.substr(request.find(' ') + 1);
        if (target.starts_with("/chunked")) {
            client.send(chunked + "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n");
        } else if (target.starts_with("/until-close")) {
            client.send(ok + "Connection: close\r\n\r\nuntil the end");
            return;
        } else if (target.starts_with("/large")) {
            client.send(ok + "Content-Length: 5000000\r\n\r\n");
            client.send_pattern(5'000'000);
        } else if (target.starts_with("/cut")) {
            client.send(ok + "Content-Length: 5000000\r\n\r\n");
            client.send_pattern(2'000'000);
            return;
        } else if (target.starts_with("/echo")) {
            client.send(sized(request.substr(request.find("\r\n\r\n") + 4)));
        } else {
            client.send(request.starts_with("HEAD ") ? ok + "Content-Length: 12\r\n\r\n" : sized("a small page"));
        }
    }
}

} // namespace

TEST_CASE("uring-client and curl get the same by way of haproxy, also when what is behind it fails") {
    need_program("haproxy");
    const credentials trusted;
    scripted_server origin(serve_by_path);
    const two_ports here;
    write_file(trusted.folder / "haproxy.cfg",
               "defaults\n mode http\n retries 0\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
               "frontend all\n bind 127.0.0.1:" +
                   here.plain + "\n bind 127.0.0.1:" + here.secure + " ssl crt " + (trusted.folder / "both.pem") +
                   " alpn http/1.1\n http-request return status 200 content-type text/plain string \"alive\""
                   " if { path /alive }\n use_backend gone if { path /gone }\n default_backend origin\n"
                   "backend origin\n server one 127.0.0.1:" +
                   std::to_string(origin.port()) + "\nbackend gone\n server none 127.0.0.1:" + closed_port() + "\n");
    const foreign_server haproxy({"haproxy", "-db", "-q", "-f", trusted.folder / "haproxy.cfg"},
                                 here.url(true, "/alive"));
    check_same(here, trusted,
               {
                   {"-i", "/small"},
                   {"-I", "/small"},
                   {"/chunked"},
                   {"-i", "/chunked", "/small", "/chunked"},
                   {"/until-close", "/small"},
                   {"/large"},
                   {"/large", "/large", "/small"},
                   {"-d", "a=b", "/echo"},
                   {"--data-binary", "@-", "/echo"},
                   {"-X", "DELETE", "/small"},
                   {"-i", "/gone"},
                   {"-f", "/gone"},
                   {"-w", "%{num_connects} %{http_code}\\n", "/small", "/small", "/gone", "/small"},
               },
               random_bytes(300'000));
    // What it cannot make whole is told, and kept by nobody.
    temporary_folder folder;
    for (const bool with_tls : {false, true}) {
        const outcome cut = run(
            ours({"--cacert", trusted.folder / "root.pem", "-4", "-o", folder / "file", here.url(with_tls, "/cut")}));
        CHECK(cut.code == cut_short);
        check_one_line(cut, "2000000 of the body's 5000000");
        CHECK(folder.empty());
    }
}

TEST_CASE("uring-client and curl get the same from caddy, compressed and not") {
    need_program("caddy");
    const credentials trusted;
    const two_ports here;
    std::filesystem::create_directory(trusted.folder / "www");
    std::string text;
    for (int line = 0; line < 20'000; ++line) text += "line " + std::to_string(line) + "\n";
    write_file(trusted.folder / "www/text.txt", text);
    write_file(trusted.folder / "www/bytes.bin", random_bytes(3'000'000));
    const std::string site = " {\n bind 127.0.0.1\n root * " + (trusted.folder / "www") +
                             "\n encode zstd gzip\n redir /moved /text.txt 302\n respond /none 204\n file_server\n";
    write_file(trusted.folder / "Caddyfile", "{\n admin off\n auto_https off\n}\nhttp://localhost:" + here.plain +
                                                 site + "}\nhttps://localhost:" + here.secure + site + " tls " +
                                                 (trusted.folder / "server.pem") + " " +
                                                 (trusted.folder / "server.key") + "\n}\n");
    const std::string home = trusted.folder / "";
    const foreign_server caddy({"env", "HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home, "caddy",
                                "run", "--adapter", "caddyfile", "--config", trusted.folder / "Caddyfile"},
                               here.url(true, "/text.txt"));
    check_same(here, trusted,
               {
                   {"-i", "/text.txt"},
                   {"-I", "/text.txt"},
                   {"/bytes.bin"},
                   {"/bytes.bin", "/text.txt", "/bytes.bin"},
                   {"--compressed", "/text.txt"},
                   {"-H", "Accept-Encoding: gzip", "/text.txt"},
                   {"-H", "Accept-Encoding: zstd", "/text.txt"},
                   {"-r", "5-9", "/text.txt"},
                   {"-ir", "99999999-", "/text.txt"},
                   {"-iL", "/moved"},
                   {"-i", "/none"},
                   {"-i", "/missing"},
                   {"-f", "/missing"},
               });
    // In both codings, since curl may take fewer than we do.
    for (const bool with_tls : {false, true})
        for (const std::string coding : {"gzip", "zstd"})
            CHECK(same(run(ours({"--cacert", trusted.folder / "root.pem", "-4", "--compressed", "-H",
                                 "Accept-Encoding: " + coding, here.url(with_tls, "/text.txt")}))
                           .output,
                       text));
}
