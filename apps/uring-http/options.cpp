#include "options.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

constexpr int usage_error = 2;
constexpr std::size_t most_threads = 1024;
constexpr double longest_time = 86'400;
constexpr std::uint64_t largest_body = std::uint64_t{1} << 40;

std::chrono::milliseconds from_seconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(seconds * 1000));
}

/// For CLI::Range, which lets it through: it is on neither side of a bound.
std::string refuse_nan(const std::string& text) {
    return std::isnan(std::strtod(text.c_str(), nullptr)) ? "Value " + text + " is not a number" : std::string();
}

/// CLI11's own messages may have several lines, and those that quote an argument whatever is in there.
std::string in_one_line(std::string text) {
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
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

    CLI::App parser("Serves the Hello World page over HTTP/1.1, on io_uring.", "uring-http");
    parser.set_version_flag("--version", "uring-http " TUYAU_VERSION);
    parser.get_formatter()->column_width(34);
    parser
        .add_option("--listen", listen, "Where to listen; may be given several times. Port 0 lets the kernel pick one")
        ->type_name("ADDR:PORT")
        ->expected(1)
        ->take_all()
        ->capture_default_str();
    parser
        .add_option("--threads", chosen.threads,
                    "Threads, each with a ring of its own; the kernel spreads the connections. 0: one a processor")
        ->check(CLI::Range(std::size_t{0}, most_threads))
        ->type_name("N")
        ->capture_default_str();
    parser
        .add_option("--max-connections", limits.connections,
                    "Connections at once, the threads together; past it new ones wait")
        ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}))
        ->type_name("N")
        ->capture_default_str();
    const auto add_time = [&parser](const char* name, double& value, const char* text) {
        parser.add_option(name, value, text)
            ->check(CLI::Range(0.001, longest_time))
            ->check(refuse_nan, "")
            ->type_name("SECONDS")
            ->capture_default_str();
    };
    add_time("--header-timeout", header_time, "For a request's header section, from its first byte");
    add_time("--body-timeout", body_time, "For a request's body");
    add_time("--idle-timeout", idle_time, "Between the requests of a connection");
    add_time("--send-timeout", send_time, "For a client to take its responses");
    add_time("--drain-timeout", drain_time, "To finish what is under way, on SIGINT or SIGTERM");
    parser.add_option("--max-body", limits.request.body, "Bytes of a request's body")
        ->check(CLI::Range(std::uint64_t{0}, largest_body))
        ->type_name("BYTES")
        ->capture_default_str();
    parser.add_flag("--doctor", chosen.doctor,
                    "Print what this machine allows, and what to do about what it does not, and end");
    parser.footer("SIGINT or SIGTERM: no new connections, what is under way is finished, exit code 0; a second one "
                  "ends at once.\n"
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
    } catch (const CLI::Success& answered) { // help or version
        exit_code = parser.exit(answered);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        std::fputs(fmt::format("uring-http: {} (see uring-http --help)\n", in_one_line(error.what())).c_str(), stderr);
        exit_code = usage_error;
        return std::nullopt;
    }
    if (chosen.threads == 0) chosen.threads = std::max(std::thread::hardware_concurrency(), 1u);
    limits.header_time = from_seconds(header_time);
    limits.body_time = from_seconds(body_time);
    limits.idle_time = from_seconds(idle_time);
    limits.send_time = from_seconds(send_time);
    limits.drain_time = from_seconds(drain_time);
    return chosen;
}
