#include "options.hpp"

#include <fstream>
#include <iterator>

#include <CLI/CLI.hpp>

namespace load {
namespace {

constexpr std::size_t most_connections = 60'000;

std::string plain_request(std::uint16_t port) {
    return "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n";
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('!' + i % 89);
    return bytes;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

void describe(CLI::App& parser, options& chosen, std::string& file) {
    parser.add_option("--port", chosen.port, "Where the server listens on 127.0.0.1")->required()->type_name("PORT");
    parser.add_option("--connections", chosen.connections, "That ask again and again; 0 with --idle")
        ->check(CLI::Range(std::size_t{0}, most_connections))
        ->capture_default_str();
    parser.add_option("--idle", chosen.idle, "More connections, which ask once and then stay open")
        ->check(CLI::Range(std::size_t{0}, most_connections));
    parser
        .add_option("--slow", chosen.slow,
                    "More connections, which send a header section a byte a second and never end it")
        ->check(CLI::Range(std::size_t{0}, most_connections));
    parser.add_option("--depth", chosen.depth, "Requests sent at once on a connection, all to be answered first")
        ->check(CLI::Range(1, 1024));
    auto* rate = parser
                     .add_option("--rate", chosen.rate,
                                 "Requests a second, over all connections, at fixed times; latency counts from "
                                 "when one was due. Left out: each asks again as soon as it is answered")
                     ->check(CLI::Range(0.1, 1e7));
    rate->excludes("--depth");
    parser.add_flag("--new-connection", chosen.new_connection, "Open and close a connection for each request")
        ->excludes("--depth");
    auto* request = parser.add_option("--request", file, "A file with the bytes of the request (default: a plain GET)")
                        ->check(CLI::ExistingFile);
    parser.add_option("--echo", chosen.echo_size, "Send so many bytes, and take the same bytes for the answer")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30))
        ->excludes(request);
    parser.add_option("--seconds", chosen.seconds, "How long to measure")
        ->check(CLI::Range(0.0, 3600.0))
        ->capture_default_str();
    parser.add_option("--warm-up", chosen.warm_up, "Seconds of the same before that")->check(CLI::Range(0.0, 3600.0));
    parser.add_option("--requests", chosen.requests, "Measure no more than so many requests");
    parser.add_flag("--hold", chosen.hold, "When all is printed keep the connections until standard input ends");
    parser.add_option("--watch", chosen.watch, "Tell this process' CPU time; may be given several times")
        ->type_name("PID");
}

} // namespace

std::optional<options> read_options(int argc, char** argv, int& exit_code) {
    options chosen;
    std::string file;
    CLI::App parser("Loads a server on this machine, checks each answer, prints one JSON object.", "load");
    describe(parser, chosen, file);
    try {
        parser.parse(argc, argv);
        if (chosen.connections + chosen.idle == 0) throw CLI::ValidationError("--connections", "none at all");
    } catch (const CLI::ParseError& error) {
        exit_code = parser.exit(error);
        return std::nullopt;
    }
    if (chosen.echo_size > 0)
        chosen.request = pattern(chosen.echo_size);
    else
        chosen.request = file.empty() ? plain_request(chosen.port) : read_file(file);
    return chosen;
}

} // namespace load
