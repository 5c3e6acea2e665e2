#include "options.hpp"

#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "failure.hpp"

namespace uring_client {
namespace {

constexpr double default_connect_limit = 300; // seconds, as curl has it

constexpr const char* description =
    "Asks for a URL and prints the response's body as it arrives; or, as 'uring-client tcp', connects standard input\n"
    "and output to a socket. The options mean what they mean to curl.";

constexpr const char* footer = R"(Examples:
  uring-client http://127.0.0.1:8080/            print the page
  uring-client -i localhost:8080/missing         the same with its headers; the scheme may be left out
  uring-client -d name=value -v http://host/form send a form, and see what goes back and forth
  uring-client -o page.html http://host/         write a file, which is there whole or not at all
  printf 'hello\n' | uring-client tcp host 7     talk to any TCP server

Exit codes:
   0  done; an error status such as 404 is a response like any other
   1  the URL's scheme is not supported; or this system allows no io_uring
   2  the command line is wrong
   3  the URL is malformed
   6  the host's name was not resolved
   7  no connection was made
   8  the response is malformed, beyond its bounds, or not HTTP/1
  18  the response was cut short
  23  the output cannot be written
  26  standard input or a file to send cannot be read
  28  a time limit passed
  52  the server closed the connection without a response
  55  sending failed
  56  receiving failed)";

std::chrono::milliseconds to_milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
}

/// Checked by hand: CLI11 takes "nan" and "1e999" for numbers.
const CLI::Validator& is_time() {
    static const CLI::Validator check(
        [](std::string& text) {
            constexpr double longest = 1e9;
            double seconds = -1;
            const bool is_number = CLI::detail::lexical_cast(text, seconds);
            return is_number && seconds >= 0 && seconds <= longest
                       ? std::string()
                       : fmt::format("'{}' is not a number of seconds", text);
        },
        "");
    return check;
}

CLI::Option* add_connect_limit(CLI::App& app, double& seconds) {
    return app
        .add_option("--connect-timeout", seconds,
                    "Give up when there is no connection after SECONDS, fractions allowed,\n"
                    "the look-up of the name included (default 300)")
        ->check(is_time())
        ->type_name("SECONDS");
}

CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                      const std::string& text) {
    return app.add_option(name, values, text)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_request_options(CLI::App& app, request_options& options, double& connect_limit, double& whole_limit) {
    app.add_option("URL", options.url, "http://HOST[:PORT][/PATH][?QUERY]")->type_name("");
    app.add_flag("-i,--include", options.show_heads, "Print the response's headers too");
    app.add_flag("-I,--head", options.head_only, "Ask for the headers only (HEAD), and print them");
    app.add_flag("-v,--verbose", options.verbose, "Say on standard error what is sent (>) and received (<)");
    app.add_option("-X,--request", options.method, "The request's method (default: GET, HEAD with -I, POST with -d)")
        ->type_name("METHOD");
    add_list(app, "-H,--header", options.lines,
             "Send this header; 'Name:' removes one that is sent by default, 'Name;'\nsends it empty")
        ->type_name("'NAME: VALUE'");
    add_list(app, "-d,--data", options.data,
             "Send this as the body of a POST; @FILE or @- (standard input) for what\n"
             "is in there, without line breaks and NULs; several are joined by '&'")
        ->type_name("DATA");
    app.add_option("-o,--output", options.output,
                   "Write to FILE in place of standard output; it appears when it is\nwhole")
        ->type_name("FILE");
    add_connect_limit(app, connect_limit);
    app.add_option("-m,--max-time", whole_limit,
                   "Give up when all is not done after SECONDS, fractions allowed\n(default: never)")
        ->check(is_time())
        ->type_name("SECONDS");
}

CLI::App* add_tcp(CLI::App& app, tcp_options& options, double& connect_limit) {
    CLI::App* tcp = app.add_subcommand(
        "tcp", "Send standard input to a socket and print what comes back, until the\npeer has ended its side");
    tcp->add_option("HOST", options.host, "A name or an address")->required()->type_name("");
    tcp->add_option("PORT", options.port, "1 to 65535")
        ->required()
        ->check(CLI::Range(1, 65535).description(""))
        ->type_name("");
    add_connect_limit(*tcp, connect_limit);
    return tcp;
}

std::chrono::milliseconds connect_limit_of(double seconds) {
    return to_milliseconds(seconds > 0 ? seconds : default_connect_limit);
}

/// CLI11's own messages may have several lines, and those that quote an argument whatever is in there.
std::string in_one_line(std::string text) {
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text;
}

} // namespace

command read_command_line(int argument_count, char** arguments) {
    CLI::App app(description, "uring-client");
    app.footer(footer);
    app.set_version_flag("-V,--version", "uring-client " URING_CLIENT_VERSION);
    request_options request;
    tcp_options tcp;
    double connect_limit = 0;
    double whole_limit = 0;
    add_request_options(app, request, connect_limit, whole_limit);
    const CLI::App* tcp_command = add_tcp(app, tcp, connect_limit);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::Success& asked_for_help) {
        return app.exit(asked_for_help);
    } catch (const CLI::ParseError& error) {
        throw failure(exit_code::usage, in_one_line(error.what()) + " (see uring-client --help)");
    }
    if (tcp_command->parsed()) {
        for (const CLI::Option* each : app.get_options())
            if (each->count() != 0)
                throw failure(exit_code::usage, fmt::format("{} does not go before 'tcp' (see uring-client tcp --help)",
                                                            each->get_name()));
        tcp.connect_limit = connect_limit_of(connect_limit);
        return tcp;
    }
    if (app.count("URL") == 0) throw failure(exit_code::usage, "there is no URL (see uring-client --help)");
    if (request.head_only && !request.data.empty())
        throw failure(exit_code::usage, "-I asks for no body and -d sends one: use one of them");
    request.connect_limit = connect_limit_of(connect_limit);
    request.whole_limit = to_milliseconds(whole_limit);
    return request;
}

} // namespace uring_client
