#include "options_connection.hpp"

#include "failure.hpp"
#include "option_kinds.hpp"

namespace uring_client {

constexpr std::chrono::seconds default_connect_limit(300); // as curl has it

void add_connect_limit(CLI::App& app, std::chrono::milliseconds& limit) {
    limit = default_connect_limit;
    add_time(app, "--connect-timeout", limit,
             "Give up when there is no connection after SECONDS, fractions allowed,\n"
             "the look-up of the name included (default 300)");
}

void add_network_options(CLI::App& app, network_options& options) {
    auto* four = app.add_flag("-4,--ipv4", options.only_ipv4, "Use IPv4 addresses only");
    app.add_flag("-6,--ipv6", options.only_ipv6, "Use IPv6 addresses only")->excludes(four);
    add_list(app, "--resolve", options.resolve, "HOST:PORT:ADDRESS",
             "Take this address for HOST at PORT, and look up nothing");
}

void add_connection_options(CLI::App& app, connection_options& options) {
    grouped(app, "Whom to connect to", [&] {
        add_connect_limit(app, options.connect_limit);
        add_time(app, "-m,--max-time", options.whole_limit,
                 "Give up when all is not done after SECONDS, fractions allowed\n"
                 "(default: never); each attempt of --retry has as much");
        add_text(app, "-x,--proxy", options.proxy, "[http[s]://]HOST[:PORT]",
                 "Ask this proxy, in place of the one in the variables http_proxy,\n"
                 "https_proxy and all_proxy; '' for none. no_proxy counts for it too");
        add_text(app, "--noproxy", options.no_proxy, "HOSTS",
                 "Whom to ask without a proxy, in place of the variable no_proxy");
        add_text(app, "-U,--proxy-user", options.proxy_user, "NAME:PASSWORD", "Say to the proxy who asks");
        add_text(app, "--proxy-cacert", options.proxy_ca_file, "FILE",
                 "Trust these authorities (PEM) with an https proxy, in place of the\nsystem's");
        app.add_flag("--proxy-insecure", options.proxy_insecure, "Do not ask who an https proxy is");
        app.add_flag("-p,--proxytunnel", options.tunnel, "Have the proxy make a tunnel for http too");
        add_text(app, "--unix-socket", options.unix_socket, "PATH",
                 "Connect to this socket in place of the URL's host");
        add_network_options(app, options.network);
        app.add_flag("-Z,--parallel", options.parallel, "Ask for all URLs at once");
        add_number<std::size_t>(app, "--parallel-max", options.most_parallel, 1, 300, "So many at a time (default 50)");
    });
}

void add_tls_options(CLI::App& app, tls_options& options) {
    grouped(app, "Whom to trust (https)", [&] {
        app.add_flag("-k,--insecure", options.insecure,
                     "Do not ask who is at the other end: anybody on the way may read and\nchange all that is said");
        add_text(app, "--cacert", options.ca_file, "FILE", "Trust these authorities (PEM) in place of the system's");
        add_text(app, "--capath", options.ca_folder, "FOLDER", "Those in this folder, as c_rehash(1) makes it");
        add_text(app, "--crlfile", options.crl_file, "FILE", "Refuse the revoked certificates listed there");
        add_text(app, "-E,--cert", options.certificate, "FILE", "Show this certificate (PEM) to a server that asks");
        add_text(app, "--key", options.key, "FILE", "Its key, if it is not in the same file");
        app.add_flag("--tlsv1.3", options.only_1_3, "TLS 1.3 or nothing (default: 1.2 or 1.3)");
    });
}

void add_repeat_options(CLI::App& app, repeat_options& options) {
    grouped(app, "Where else, and how often", [&] {
        app.add_flag("-L,--location", options.follow, "Follow redirects; -u's password goes to no other host");
        add_number(app, "--max-redirs", options.most_redirects, -1, 100'000,
                   "So many at most (default 50; -1: any number)");
        add_number(app, "--retry", options.retries, 0U, 1'000'000U,
                   "Try again so often after a time-out, a broken connection, or a status\n"
                   "that says so (408, 429, 500, 502, 503, 504)");
        add_time(app, "--retry-delay", options.retry_delay, "Wait so long between (default: 1, 2, 4, …, 600)");
        add_time(app, "--retry-max-time", options.retry_limit, "Do not try again after SECONDS");
        app.add_flag("--retry-connrefused", options.retry_refused, "Nor mind that nobody listens there yet");
        app.add_flag("--retry-all-errors", options.retry_all, "Whatever went wrong");
    });
}

void finish_connection_options(connection_options& options) {
    if (options.connect_limit.count() == 0) options.connect_limit = default_connect_limit;
    if (options.proxy_user.empty() || options.proxy_user.find(':') != std::string::npos) return;
    throw failure(exit_code::usage, "-U takes 'NAME:PASSWORD'; 'NAME:' has no password");
}

} // namespace uring_client
