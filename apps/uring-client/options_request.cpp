#include "options_request.hpp"

#include "failure.hpp"
#include "option_kinds.hpp"

namespace uring_client {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw failure(exit_code::usage, why); }

data_option::kind kind_of(const std::string& name) {
    using kind = data_option::kind;
    if (name == "--data-raw") return kind::raw;
    if (name == "--data-binary") return kind::binary;
    if (name == "--data-urlencode") return kind::urlencoded;
    return name == "--json" ? kind::json : kind::text;
}

void add_bodies(CLI::App& app, message_options& options) {
    // Their values are taken in the order in which they were given: see in_order.
    const auto add_data = [&app](const std::string& names, const std::string& help) {
        app.add_option(names, help)
            ->expected(1)
            ->allow_extra_args(false)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->type_name("DATA");
    };
    add_data("-d,--data,--data-ascii", "Send this as the body of a POST; @FILE or @- (standard input) for what\n"
                                       "is in there, without line breaks and NULs; several are joined by '&'");
    add_data("--data-binary", "The same, files as they are");
    add_data("--data-raw", "The same, '@' means nothing");
    add_data("--data-urlencode", "The same, percent-encoded behind 'NAME='; 'NAME@FILE' for a file's");
    add_data("--json", "The same with the fields Content-Type and Accept of JSON; several are\nput one after another");
    add_list(app, "-F,--form", options.form, "'NAME=VALUE'",
             "Send this part of a form (multipart); =@FILE attaches a file and =<FILE\n"
             "puts it in as text, with ;type=… and ;filename=… behind");
    add_text(app, "-T,--upload-file", options.upload, "FILE",
             "Send the file by PUT, '-' for standard input (to one URL); a URL that ends\nin '/' gets its name");
    app.add_flag("-G,--get", options.data_in_query, "Put the data of -d into the URL's query");
}

} // namespace

void add_message_options(CLI::App& app, message_options& options) {
    grouped(app, "What to ask for", [&] {
        add_text(app, "-X,--request", options.method, "METHOD",
                 "The request's method (default: GET, HEAD with -I, POST with -d and -F,\nPUT with -T)");
        app.add_flag("-I,--head", options.head_only, "Ask for the headers only (HEAD), and print them");
        add_list(app, "-H,--header", options.lines, "'NAME: VALUE'",
                 "Send this header; 'Name:' removes one that is sent by default, 'Name;'\nsends it empty");
        add_bodies(app, options);
        add_text(app, "-u,--user", options.user, "NAME:PASSWORD", "Say who asks (Basic), to this host only");
        add_text(app, "-A,--user-agent", options.agent, "TEXT", "In place of 'uring-client/" URING_CLIENT_VERSION "'");
        add_text(app, "-e,--referer", options.referer, "URL", "Where the link was");
        add_text(app, "-b,--cookie", options.cookie, "'NAME=VALUE; …'", "Send these cookies");
        add_text(app, "-r,--range", options.range, "FROM-TO", "Ask for these bytes only; '-500' for the last 500");
        app.add_flag("--compressed", options.compressed, "Take gzip, deflate, br and zstd, and print what was in it");
    });
}

void finish_message_options(const CLI::App& app, message_options& options) {
    for (auto& [name, value] : in_order(app, {"--data", "--data-raw", "--data-binary", "--data-urlencode", "--json"}))
        options.data.push_back({kind_of(name), std::move(value)});
    const int bodies =
        (options.data.empty() ? 0 : 1) + (options.form.empty() ? 0 : 1) + (options.upload.empty() ? 0 : 1);
    if (bodies > 1) refuse("-d, -F and -T each are a whole body: use one of them");
    if (options.data_in_query && options.data.empty()) refuse("-G puts the data of -d into the URL, and there is none");
    if (options.data_in_query && options.data.front().what == data_option::kind::json)
        refuse("-G and --json do not go together");
    if (options.head_only && bodies != 0 && !options.data_in_query)
        refuse("-I asks for no body and -d, -F and -T send one: use one of them");
    if (!options.cookie.empty() && options.cookie.find('=') == std::string::npos)
        refuse("-b takes 'NAME=VALUE', not the name of a file: cookies are not kept");
    if (!options.user.empty() && options.user.find(':') == std::string::npos)
        refuse("-u takes 'NAME:PASSWORD'; 'NAME:' has no password");
}

} // namespace uring_client
