// uring-client beside curl against nginx: the same commands, the same bytes.

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "end_to_end/uring_client_support.hpp"

using namespace tests;

namespace {

/// nginx with a folder of its own.
class nginx_server {
public:
    nginx_server() : port_(closed_port()), program_((configure(), command()), url("/")) {}

    std::string url(const std::string& path) const { return "http://127.0.0.1:" + port_ + path; }

private:
    void configure() {
        std::filesystem::create_directory(folder_ / "www");
        write_file(folder_ / "www/small.txt", "a small page\n");
        write_file(folder_ / "www/big.txt", text());
        write_file(folder_ / "www/big.bin", random_bytes(20'000'000));
        write_file(folder_ / "nginx.conf",
                   "daemon off; master_process off; error_log stderr crit; pid " + (folder_ / "pid") +
                       ";\nevents {}\nhttp { access_log off; client_body_temp_path " + (folder_ / "body") +
                       "; proxy_temp_path " + (folder_ / "proxy") + "; fastcgi_temp_path " + (folder_ / "fcgi") +
                       "; uwsgi_temp_path " + (folder_ / "uwsgi") + "; scgi_temp_path " + (folder_ / "scgi") +
                       "; types { text/plain txt; } gzip on; gzip_types text/plain; client_max_body_size 1m;\n"
                       "map $http_range $crawl { '' 1k; default 0; }\n" // all of it takes hours, a part no time
                       "server { listen 127.0.0.1:" +
                       port_ + "; root " + (folder_ / "www") +
                       "; server_tokens off;\n location /crawling.bin { alias " + (folder_ / "www/big.bin") +
                       "; limit_rate_after 1m; limit_rate $crawl; }\n location /moved { return 302 /small.txt; }\n"
                       " location /loop { return 301 /loop; }\n location /echo { return 200 $request_method; }\n"
                       " location /none { return 204; }\n location /busy { return 503; } } }\n");
    }
    std::vector<std::string> command() const {
        return {"nginx", "-p", folder_ / "", "-c", folder_ / "nginx.conf", "-e", "stderr"};
    }
    static std::string text() {
        std::string all;
        for (int i = 0; i < 20'000; ++i) all += "line " + std::to_string(i) + "\n";
        return all;
    }

    temporary_folder folder_;
    std::string port_;
    foreign_server program_;
};

} // namespace

TEST_CASE("uring-client and curl get the same from nginx") {
    need_program("nginx");
    const nginx_server nginx;
    const std::string much(2'000'000, 'x');
    const std::vector<std::vector<std::string>> table = {
        {"/small.txt"},
        {"-i", "/small.txt"},
        {"-I", "/small.txt"},
        {"-I", "/big.bin"},
        {"/big.txt"},
        {"/big.bin"},
        {"--compressed", "/big.txt"},
        {"-H", "Accept-Encoding: gzip", "/big.txt"},
        {"-r", "5-9", "/small.txt"},
        {"-r", "-5", "/small.txt"},
        {"-r", "0-1,4-5", "/small.txt", "-o", "/dev/null", "-w", "%{http_code}"},
        {"-ir", "99-", "/small.txt"},
        {"/missing"},
        {"-f", "/missing"},
        {"-sf", "/missing", "/small.txt"},
        {"--fail-with-body", "/missing"},
        {"/moved"},
        {"-L", "/moved"},
        {"-iL", "/moved"},
        {"-IL", "/moved"},
        {"-L", "--max-redirs", "3", "/loop"},
        {"/none"},
        {"-i", "/none"},
        {"/busy"},
        {"-X", "DELETE", "/echo"},
        {"-d", "a=b", "/echo"},
        {"-T", "/etc/hostname", "/echo"},
        {"-F", "a=b", "/echo"},
        {"-d", "@-", "/small.txt"},
        {"/small.txt", "/big.txt", "/small.txt"},
        {"-w", "%{num_connects}\\n", "/small.txt", "/small.txt", "/small.txt"},
        {"-w",
         "%{http_code} %{size_download} %{size_header} %{content_type} %{num_redirects} %{remote_ip} %{scheme}\\n",
         "-L", "/moved"},
        {"-o", "/dev/null", "-w", "%{redirect_url} %{url_effective}\\n", "/moved"},
        {"-A", "me", "-e", "http://there/", "-b", "a=b", "-u", "a:b", "/small.txt"},
        {"-H", "If-None-Match: \"x\"", "-H", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT", "-i", "/small.txt"},
        {"-m", "20", "--connect-timeout", "5", "-4", "/small.txt"},
        {"-x", "", "/small.txt"},
        {"-H", "Connection: close", "/small.txt", "/small.txt"},
    };
    for (const auto& options : table) {
        std::vector<std::string> arguments;
        std::string shown;
        for (const std::string& each : options) {
            const bool is_path = each.starts_with('/') && !each.starts_with("/dev") && !each.starts_with("/etc");
            arguments.push_back(is_path ? nginx.url(each) : each);
            shown += each + ' ';
        }
        INFO(shown);
        const outcome mine = run(ours(arguments), much);
        const outcome curls = run(curl(arguments), much);
        const bool hides_failure = options.size() == 3 && options.front() == "-sf"; // curl tells the last code
        CHECK(mine.code == (hides_failure ? 22 : curls.code));
        CHECK(same(without_date(mine.output), without_date(curls.output)));
        CHECK(mine.errors.empty() == (mine.code == 0 || options.front() == "-sf"));
    }
}

TEST_CASE("uring-client -C - goes on with what nginx was sending") {
    need_program("nginx");
    const nginx_server nginx;
    temporary_folder folder;
    const std::string whole = run(curl({nginx.url("/big.bin")})).output;
    const auto bytes_there = [&] {
        std::uintmax_t all = 0;
        for (const auto& each : std::filesystem::directory_iterator(folder / "")) all += each.file_size();
        return all;
    };
    process slow(ours({"-o", folder / "file", "-m", "50", nginx.url("/crawling.bin")}));
    while (bytes_there() == 0 && slow.running()) std::this_thread::yield();
    slow.signal(SIGINT);
    CHECK(slow.wait() == -SIGINT);
    const std::string part = contents(folder / "file.part");
    CHECK(!part.empty());
    CHECK(part.size() < whole.size());
    CHECK(same(part, whole.substr(0, part.size())));

    const outcome rest = run(ours({"-C", "-", "-o", folder / "file", "-m", "50", "-w", "%{http_code} %{size_download}",
                                   nginx.url("/crawling.bin")}));
    CHECK(rest.code == done);
    CHECK(rest.output == "206 " + std::to_string(whole.size() - part.size()));
    CHECK(same(contents(folder / "file"), whole));
    CHECK(folder.files() == 1);
}
