#include "options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "failure.hpp"
#include "help.hpp"
#include "option_kinds.hpp"

namespace uring_client {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw failure(exit_code::usage, why); }

void add_request(CLI::App& app, request_options& options) {
    app.add_option("URL", options.urls, "http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY]")->type_name("");
    add_message_options(app, options.message);
    add_output_options(app, options.output);
    add_repeat_options(app, options.repeat);
    add_connection_options(app, options.connection);
    add_tls_options(app, options.tls);
}

request_options finish(const CLI::App& app, request_options options) {
    if (options.urls.empty()) refuse("there is no URL (see uring-client --help)");
    finish_message_options(app, options.message);
    finish_output_options(app, options.output);
    finish_connection_options(options.connection);
    const message_options& message = options.message;
    if (options.output.destinations.size() > options.urls.size())
        refuse(fmt::format("-o and -O name {} places for the responses of {} URLs", options.output.destinations.size(),
                           options.urls.size()));
    const bool has_body =
        !message.form.empty() || !message.upload.empty() || (!message.data.empty() && !message.data_in_query);
    if (options.output.resume && (has_body || message.head_only || message.compressed || !message.range.empty() ||
                                  (message.method && *message.method != "GET")))
        refuse("-C goes on with what a plain GET brought: without -d, -F, -T, -X, -I, -r and --compressed");
    return options;
}

CLI::App* add_tcp(CLI::App& app, tcp_options& options) {
    CLI::App* tcp = app.add_subcommand("tcp", "Send standard input to a socket and print what comes back, until the\n"
                                              "peer has ended its side and the input, unless it is a terminal's, too");
    tcp->add_option("HOST", options.host, "A name or an address")->required()->type_name("");
    tcp->add_option("PORT", options.port, "1 to 65535; with --listen 0 lets the kernel pick one")
        ->required()
        ->check(CLI::Range(0, 65535).description(""))
        ->type_name("");
    tcp->add_flag("-l,--listen", options.listen, "Wait for a peer at this address, in place of connecting to it");
    tcp->add_flag("--tls", options.secure, "Over TLS; with --listen --cert names the certificate to show");
    tcp->add_flag("--raw-output", options.raw, "Send what comes to a terminal as it is, control characters and all");
    add_connect_limit(*tcp, options.connect_limit);
    add_network_options(*tcp, options.network);
    add_tls_options(*tcp, options.tls);
    return tcp;
}

tcp_options finish(const CLI::App& app, tcp_options options) {
    for (const CLI::Option* each : app.get_options())
        if (each->count() != 0)
            refuse(fmt::format("{} does not go before 'tcp' (see uring-client tcp --help)", each->get_name()));
    if (options.port == 0 && !options.listen) refuse("PORT: 0 is no port to connect to");
    if (options.listen && options.secure && options.tls.certificate.empty())
        refuse("--tls --listen needs a certificate to show: --cert FILE (and --key FILE)");
    if (!options.secure && !options.tls.certificate.empty()) refuse("--cert is for --tls");
    connection_options limits;
    limits.connect_limit = options.connect_limit;
    finish_connection_options(limits);
    options.connect_limit = limits.connect_limit;
    return options;
}

/// CLI11's own messages may have several lines, and those that quote an argument whatever is in there.
std::string in_one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text;
}

} // namespace

command read_command_line(int argument_count, char** arguments) {
    CLI::App app(help::description, "uring-client");
    app.footer(help::footer);
    app.set_version_flag("-V,--version", "uring-client " URING_CLIENT_VERSION);
    request_options request;
    tcp_options tcp;
    add_request(app, request);
    const CLI::App* tcp_command = add_tcp(app, tcp);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::Success& asked_for_help) {
        return app.exit(asked_for_help);
    } catch (const CLI::ParseError& error) {
        throw failure(exit_code::usage, in_one_line(error.what()) + " (see uring-client --help)");
    }
    if (tcp_command->parsed()) return finish(app, std::move(tcp));
    return finish(app, std::move(request));
}

} // namespace uring_client
