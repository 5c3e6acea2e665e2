#include "options.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <tuyau/net/http/authority.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/net/http/virtual_hosts.hpp>
#include <tuyau/runtime/system.hpp>

namespace {

constexpr int usage_error = 2;
constexpr std::size_t most_threads = 1024;
constexpr double longest_time = 86'400;
constexpr std::uint64_t largest_body = std::uint64_t{1} << 40;
constexpr std::uint64_t largest_head = 16 * 1024 * 1024;
constexpr std::size_t most_of_anything = 10'000'000;

std::chrono::milliseconds from_seconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(seconds * 1000));
}

/// For CLI::Range, which lets it through: it is on neither side of a bound.
std::string refuse_nan(const std::string& text) {
    return std::isnan(std::strtod(text.c_str(), nullptr)) ? "Value " + text + " is not a number" : std::string();
}

std::string refuse_empty(const std::string& text) {
    return text.empty() ? "The name of a file or folder is missing" : std::string();
}

std::string refuse_slashes(const std::string& text) {
    const bool good = !text.empty() && text.find('/') == std::string::npos && !text.starts_with('.');
    return good ? std::string() : "'" + text + "' is not the name of a file, such as index.html";
}

std::string refuse_control_characters(const std::string& text) {
    const bool good = std::none_of(text.begin(), text.end(), tuyau::http::is_control_character);
    return good ? std::string() : "A header field has no control characters";
}

/// Why no request asks for this host, whose name is canonical; empty if one may.
std::string fault_in_host(const std::string& name) {
    if (name.find('*') != std::string::npos)
        return "stands for no other names; give --host for each, or --root for all that are not given";
    const bool is_host = tuyau::http::is_authority(name);
    if (is_host && !name.ends_with(']') && name.find(':') != std::string::npos)
        return "has a port, without which hosts are told apart; leave it away";
    const bool lacks_label = name.starts_with('.') || name.ends_with('.') || name.find("..") != std::string::npos;
    return is_host && !lacks_label ? "" : "is not the name of a host, such as example.org, 192.0.2.1 or [2001:db8::1]";
}

using host_folders = std::vector<std::pair<std::string, std::string>>;

/// From `NAME=DIR`.
void add_host(host_folders& hosts, const std::string& text) {
    const auto end = text.find('=');
    if (end == 0 || end == std::string::npos || end + 1 == text.size())
        throw CLI::ValidationError("--host", "'" + text + "' is not NAME=DIR, such as example.org=/srv/example");
    const std::string given = text.substr(0, end);
    std::string name = tuyau::http::canonical_host(given);
    std::string folder = text.substr(end + 1);
    if (const std::string fault = fault_in_host(name); !fault.empty())
        throw CLI::ValidationError("--host", "'" + given + "' " + fault);
    for (const auto& [known, its_folder] : hosts) {
        if (known != name) continue;
        throw CLI::ValidationError("--host", "'" + name + "' has two folders, " + its_folder + " and " + folder +
                                                 "; give it one");
    }
    hosts.emplace_back(std::move(name), std::move(folder));
}

/// CLI11's own messages may have several lines, and those that quote an argument whatever is in there.
std::string in_one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text;
}

double to_seconds(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

} // namespace

std::optional<options> read_options(int argc, char** argv, int& exit_code) {
    options chosen;
    tuyau::http::server_limits& limits = chosen.limits;
    std::vector<std::string> listen{"127.0.0.1:8080"};
    double header_time = to_seconds(limits.header_time);
    double body_time = to_seconds(limits.body_time);
    double idle_time = to_seconds(limits.idle_time);
    double send_time = to_seconds(limits.send_time);
    double drain_time = to_seconds(limits.drain_time);
    site_options& site = chosen.site;
    std::vector<std::string> hosts;

    CLI::App parser("Serves a folder of files, or else the Hello World page, over HTTP/1.1, on io_uring.",
                    "uring-http");
    parser.set_version_flag("--version", "uring-http " TUYAU_VERSION);
    parser.get_formatter()->column_width(34);
    const auto add_size = [&parser](const char* name, auto& value, std::uint64_t most, const char* text) {
        using size = std::remove_reference_t<decltype(value)>;
        parser.add_option(name, value, text)
            ->transform(CLI::AsSizeValue(false))
            ->check(CLI::Range(size{0}, static_cast<size>(most)))
            ->type_name("BYTES")
            ->capture_default_str();
    };
    const auto add_count = [&parser](const char* name, std::size_t& value, std::size_t least, const char* text) {
        parser.add_option(name, value, text)
            ->check(CLI::Range(least, most_of_anything))
            ->type_name("N")
            ->capture_default_str();
    };
    parser
        .add_option("--listen", listen, "Where to listen; may be given several times. Port 0 lets the kernel pick one")
        ->type_name("ADDR:PORT")
        ->expected(1)
        ->take_all()
        ->capture_default_str();
    parser.add_option("--root", site.root, "The folder to serve")->type_name("DIR")->check(refuse_empty, "");
    parser
        .add_option("--host", hosts, "The folder to serve to those who ask for this host; may be given several times")
        ->type_name("NAME=DIR")
        ->expected(1)
        ->take_all();
    parser
        .add_option("--index", site.files.index,
                    "The file that answers for a folder; of several the first that is there")
        ->type_name("NAME")
        ->expected(1)
        ->take_all()
        ->check(refuse_slashes, "")
        ->capture_default_str();
    parser.add_flag("--listing", site.files.listing,
                    "Answer for a folder without such a file with a list of what it holds");
    parser
        .add_option("--cache-control", site.files.files.cache_control,
                    "What Cache-Control tells of all files, such as max-age=3600")
        ->type_name("TEXT")
        ->check(refuse_control_characters, "");
    add_size("--cache", site.files.cache, std::uint64_t{1} << 40,
             "Small files kept in memory, for all threads together");
    parser
        .add_option("--threads", chosen.threads,
                    "Threads, each with a ring of its own; the kernel spreads the connections. 0: one a processor")
        ->check(CLI::Range(std::size_t{0}, most_threads))
        ->type_name("N")
        ->capture_default_str();
    parser
        .add_option("--access-log", chosen.access_log,
                    "Where to append a line for each response, in the combined format; - is standard output")
        ->type_name("FILE|-")
        ->check(refuse_empty, "");
    add_count("--max-connections", limits.connections, 1,
              "Connections at once, the threads together; past it new ones wait");
    add_count("--max-per-address", limits.connections_per_address, 0,
              "Connections of one address at once (IPv6: of its /64); past it new ones get a 503. 0: any number");
    add_count("--max-requests", limits.requests, 1, "Requests on one connection, which then closes");
    const auto add_time = [&parser](const char* name, double& value, const char* text) {
        parser.add_option(name, value, text)
            ->check(CLI::Range(0.001, longest_time))
            ->check(refuse_nan, "")
            ->type_name("SECONDS")
            ->capture_default_str();
    };
    add_time("--header-timeout", header_time, "For a request's header section, from its first byte");
    add_time("--body-timeout", body_time, "Of waiting for a request's body; what comes gives it back");
    add_time("--idle-timeout", idle_time, "Between the requests of a connection");
    add_time("--send-timeout", send_time, "For a client to take its responses");
    add_time("--drain-timeout", drain_time, "To finish what is under way, on SIGINT or SIGTERM");
    add_size("--body-rate", limits.body_rate, largest_body,
             "Of a body, give its client a second back; 0: nothing does");
    add_size("--max-target", limits.request.target, largest_head, "Of a request's target: its path and query");
    add_size("--max-header", limits.request.head, largest_head, "Of a request's line and header fields");
    add_count("--max-fields", limits.request.fields, 1, "Header fields of a request");
    add_size("--max-body", limits.request.body, largest_body, "Of a request's body");
    parser.add_flag("--doctor", chosen.doctor,
                    "Print what this machine allows, and what to do about what it does not, and end");
    parser.footer("SIGINT or SIGTERM: no new connections, what is under way is finished, exit code 0; a second one "
                  "ends at once. SIGHUP, with --access-log FILE: opens the file anew, which has been renamed.\n"
                  "TUYAU_WITHOUT=NAME[,NAME]: does without these features of the kernel; --doctor lists them.\n"
                  "Exit codes: 0 ended as asked, 1 cannot serve, 2 wrong option.");

    try {
        parser.parse(argc, argv);
        for (const std::string& each : listen) {
            auto where = tuyau::endpoint::parse(each);
            if (!where) {
                throw CLI::ValidationError("--listen", "'" + each +
                                                           "' is not ADDRESS:PORT, such as 127.0.0.1:8080, "
                                                           "0.0.0.0:80 or [::1]:8080");
            }
            chosen.listen.push_back(*where);
        }
        for (const std::string& each : hosts) add_host(site.hosts, each);
    } catch (const CLI::Success& answered) { // help or version
        exit_code = parser.exit(answered);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        std::fputs(fmt::format("uring-http: {} (see uring-http --help)\n", in_one_line(error.what())).c_str(), stderr);
        exit_code = usage_error;
        return std::nullopt;
    }
    if (chosen.threads == 0) chosen.threads = tuyau::system::usable_processors();
    limits.header_time = from_seconds(header_time);
    limits.body_time = from_seconds(body_time);
    limits.idle_time = from_seconds(idle_time);
    limits.send_time = from_seconds(send_time);
    limits.drain_time = from_seconds(drain_time);
    return chosen;
}
