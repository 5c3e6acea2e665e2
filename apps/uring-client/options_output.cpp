#include "options_output.hpp"

#include "failure.hpp"
#include "option_kinds.hpp"

namespace uring_client {

void add_output_options(CLI::App& app, output_options& options) {
    grouped(app, "What to print and to keep", [&] {
        app.add_option("-o,--output",
                       "Write to FILE in place of standard output; it appears when it is\n"
                       "whole. The first -o is for the first URL, and so on; '-' is standard\noutput, a terminal too")
            ->expected(1)
            ->allow_extra_args(false)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->type_name("FILE");
        app.add_flag("-O,--remote-name")
            ->description("Write to a file of the name that ends the URL's path")
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        add_text(app, "--output-dir", options.folder, "FOLDER", "Where the files of -o and -O go");
        app.add_option("-C,--continue-at", "'-': go on with what an interrupted transfer has left")
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
            ->type_name("-");
        app.add_flag("-i,--include", options.show_heads, "Print the response's headers too");
        app.add_flag("-v,--verbose", options.verbose, "Say on standard error what is sent (>) and received (<)");
        app.add_flag("-s,--silent", options.silent, "Show no progress, and do not say what went wrong");
        app.add_flag("-S,--show-error", options.show_errors, "With -s: say what went wrong");
        app.add_flag("!--no-progress-meter", options.meter, "Show no progress");
        app.add_flag("-f,--fail", options.fail,
                     "Take a status of 400 and above for a failure, and print nothing of it");
        app.add_flag("--fail-with-body", options.fail_with_body, "The same, and print its body");
        app.add_flag("--raw-output", options.raw, "Send what comes to a terminal as it is, control characters and all");
        add_size(app, "--max-filesize", options.largest_body, "Refuse a body that is larger");
        add_text(app, "-w,--write-out", options.write_out, "FORMAT",
                 "Print this in the end, with %{http_code}, %{time_total} and the like\nfilled in: see below");
    });
}

void finish_output_options(const CLI::App& app, output_options& options) {
    for (auto& [name, value] : in_order(app, {"--output", "--remote-name"}))
        options.destinations.push_back(
            {name == "--remote-name", name == "--output" ? std::move(value) : std::string()});
    if (app.count("--continue-at") == 0) return;
    const std::string from = app.get_option("--continue-at")->as<std::string>();
    if (from != "-")
        throw failure(exit_code::usage, "-C takes '-' alone: what is there already tells where to go on (for a part of "
                                        "a page use -r)");
    options.resume = true;
    if (options.show_heads)
        throw failure(exit_code::usage, "-C and -i do not go together: the file would have a head inside");
    for (const destination& each : options.destinations)
        if (each.remote_name || (!each.path.empty() && each.path != "-")) return;
    throw failure(exit_code::usage, "-C goes on with a file, and there is none: give it with -o or -O");
}

} // namespace uring_client
