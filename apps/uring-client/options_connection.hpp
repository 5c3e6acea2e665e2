#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace uring_client {

/// How names are looked up.
struct network_options {
    bool only_ipv4 = false;
    bool only_ipv6 = false;
    std::vector<std::string> resolve; ///< HOST:PORT:ADDRESS
};

/// Whom to connect to, and for how long.
struct connection_options {
    std::chrono::milliseconds connect_limit{};
    std::chrono::milliseconds whole_limit{}; ///< for each attempt at a URL; 0: none
    std::optional<std::string> proxy;        ///< in place of the environment's; empty: none
    std::optional<std::string> no_proxy;
    std::string proxy_user;
    bool proxy_insecure = false; ///< of https proxies, as those of `tls_options` of servers
    std::string proxy_ca_file;
    bool tunnel = false;
    std::string unix_socket;
    network_options network;
    bool parallel = false;
    std::size_t most_parallel = 50;
};

/// Who is trusted, and what is shown.
struct tls_options {
    bool insecure = false;
    std::string ca_file;
    std::string ca_folder;
    std::string crl_file;
    std::string certificate;
    std::string key;
    bool only_1_3 = false;
};

/// What is asked again, and where else.
struct repeat_options {
    bool follow = false;
    int most_redirects = 50; ///< -1: any number
    unsigned retries = 0;
    std::chrono::milliseconds retry_delay{}; ///< 0: one second, doubled each time
    std::chrono::milliseconds retry_limit{}; ///< 0: none
    bool retry_refused = false;
    bool retry_all = false;
};

/// As those for messages, see there. The first and the third serve `tcp` too.
void add_network_options(CLI::App& app, network_options& options);
void add_connect_limit(CLI::App& app, std::chrono::milliseconds& limit);
void add_tls_options(CLI::App& app, tls_options& options);
void add_connection_options(CLI::App& app, connection_options& options);
void add_repeat_options(CLI::App& app, repeat_options& options);
void finish_connection_options(connection_options& options);

} // namespace uring_client
