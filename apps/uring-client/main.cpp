#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

#include <fmt/format.h>

#include <tuyau/net/http/url.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>

#include "exchange.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "output.hpp"
#include "request.hpp"
#include "request_body.hpp"
#include "tcp_mode.hpp"

namespace uring_client {
namespace {

/// What is left undone when a signal asks the program to end.
struct interrupted {
    int signal;
};

tuyau::http::url url_of(const std::string& text) {
    auto url = tuyau::http::parse_url(text);
    if (url && url->secure) throw failure(exit_code::unsupported_scheme, "https is not supported by this version");
    if (url && url->user)
        throw failure(exit_code::malformed_url,
                      "malformed URL: user names and passwords do not go in the URL; send an Authorization field");
    if (url) return std::move(*url);
    if (url.error().what == tuyau::http::url_error::kind::unsupported)
        throw failure(exit_code::unsupported_scheme, url.error().text);
    throw failure(exit_code::malformed_url,
                  fmt::format("malformed URL: at byte {}, {}", url.error().offset, url.error().text));
}

std::string method_of(const request_options& options) {
    if (options.method) {
        check_method(*options.method);
        return *options.method;
    }
    if (options.head_only) return "HEAD";
    return options.data.empty() ? "GET" : "POST";
}

tuyau::task<> fetch(tuyau::http::url where, request asked, exchange_options how, std::string path) {
    output out = co_await output::open(std::move(path));
    co_await exchange(std::move(where), std::move(asked), how, out);
    out.commit();
}

tuyau::task<> perform(request_options options) {
    auto where = url_of(options.url);
    std::vector<header_line> lines;
    lines.reserve(options.lines.size());
    for (const std::string& each : options.lines) lines.push_back(header_line::parse(each));
    auto body = co_await read_body(options.data);
    request asked = make_request(method_of(options), where, lines, std::move(body));

    tuyau::deadline limit;
    if (options.whole_limit.count() != 0) limit.expires_after(options.whole_limit);
    // Only a file wants tidying up: without one a signal may end the program on the spot.
    std::optional<interrupt> signals;
    if (!options.output.empty()) signals.emplace(limit);
    const exchange_options how{options.show_heads || options.head_only, options.head_only, options.verbose,
                               options.connect_limit};
    try {
        // When the limit stops it, it says so by an exception, with more words.
        (void)co_await tuyau::with_deadline(limit, fetch(std::move(where), std::move(asked), how, options.output));
    } catch (const stopped& unfinished) {
        if (signals && signals->number() != 0) throw interrupted{signals->number()};
        throw failure(exit_code::timed_out,
                      fmt::format("timed out after {} s (--max-time), {}",
                                  std::chrono::duration<double>(options.whole_limit).count(), unfinished.what()));
    }
}

int report(const failure& error) {
    fmt::print(stderr, "uring-client: {}\n", error.what());
    return static_cast<int>(error.code());
}

/// `work`'s exit code; its failure is told first.
tuyau::task<int> finish(tuyau::task<> work, int& signal) {
    try {
        co_await std::move(work);
        co_return static_cast<int>(exit_code::done);
    } catch (const failure& error) {
        co_return report(error);
    } catch (const interrupted& by) {
        signal = by.signal;
        co_return 0;
    }
}

int run_to_end(tuyau::task<> work) {
    int signal = 0;
    const int code = tuyau::run(finish(std::move(work), signal));
    if (signal != 0) end_by_signal(signal);
    return code;
}

/// A standard stream that was closed must not become the socket or the ring. In its place stands one that is at its end,
/// or that cannot be written to.
void occupy_standard_streams() {
    while (true) {
        const int fd = ::open("/dev/null", O_RDONLY);
        if (fd > STDERR_FILENO) {
            ::close(fd);
            return;
        }
        if (fd < 0) return;
    }
}

} // namespace
} // namespace uring_client

int main(int argument_count, char** arguments) {
    using namespace uring_client;
    occupy_standard_streams();
    std::signal(SIGPIPE, SIG_IGN); // an output that nobody reads is an error like others
    try {
        const command asked = read_command_line(argument_count, arguments);
        if (const auto* code = std::get_if<int>(&asked)) return *code;
        if (const auto* tcp = std::get_if<tcp_options>(&asked))
            return run_to_end(talk_tcp(tcp->host, tcp->port, tcp->connect_limit));
        return run_to_end(perform(std::get<request_options>(asked)));
    } catch (const failure& error) {
        return report(error);
    }
}
