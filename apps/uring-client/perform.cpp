#include "perform.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/http/client/client.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/system.hpp>

#include "connector.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "messages.hpp"
#include "percent_encoded.hpp"
#include "request.hpp"
#include "request_body.hpp"
#include "terminal_text.hpp"
#include "transfer.hpp"
#include "write_out.hpp"

namespace uring_client {
namespace {

using tuyau::http::client_options;

/// A proxy that is none is told before anything is asked, and what it is to be trusted by that cannot be read.
void check_proxy(const client_options& made, const std::vector<tuyau::http::url>& urls,
                 const connection_options& options) {
    for (const tuyau::http::url& each : urls) {
        const auto proxy = made.proxies.proxy_for(each);
        if (!proxy) throw failure(exit_code::usage, "-x: " + proxy.error());
        if (*proxy && (*proxy)->secure) return check_proxy_files(options);
    }
}

client_options client_options_of(const request_options& options) {
    const connection_options& there = options.connection;
    const repeat_options& repeat = options.repeat;
    client_options made;
    made.connections = made.connections_per_host = std::max<std::size_t>(there.most_parallel, 1);
    made.connect_time = there.connect_limit;
    made.stall_time = {};
    const int most = repeat.most_redirects;
    made.redirects = !repeat.follow ? 0 : most < 0 ? std::numeric_limits<unsigned>::max() : static_cast<unsigned>(most);
    made.decompress = options.message.compressed;
    made.user_agent = options.message.agent.value_or("uring-client/" URING_CLIENT_VERSION);
    if (there.proxy) {
        made.proxies.http = made.proxies.https = {};
        made.proxies.all = *there.proxy;
    }
    if (there.no_proxy) made.proxies.none_for = *there.no_proxy;
    if (!there.unix_socket.empty()) made.proxies = {};
    made.proxies.always_tunnel = there.tunnel;
    return made;
}

void put_into_query(tuyau::http::url& where, const std::string& data) {
    const auto bad = std::find_if(data.begin(), data.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; });
    if (bad != data.end())
        throw failure(exit_code::usage, fmt::format("-G: the byte 0x{:02x} does not belong in a URL (--data-urlencode "
                                                    "encodes it)",
                                                    static_cast<unsigned char>(*bad)));
    where.target += where.target.find('?') == std::string::npos ? '?' : '&';
    where.target += data;
}

/// Everything that one command line asks for.
class performance {
public:
    explicit performance(request_options options) : options_(std::move(options)) {}

    tuyau::task<int> run() {
        co_await prepare();
        tuyau::http::client client(client_options_of(options_), make_connector(options_.connection, options_.tls));
        shared_.emplace(undertaking{options_, lines_, sent_, client, told_});
        tuyau::deadline until_interrupted;
        // Only a file wants tidying up: without one a signal may end the program on the spot.
        std::optional<interrupt> signals;
        if (has_file()) signals.emplace(until_interrupted);
        bool stopped_early = false;
        try {
            auto done = co_await tuyau::with_deadline(until_interrupted, ask_for_all());
            stopped_early = !done;
        } catch (const stopped&) {
            stopped_early = true;
        }
        if (stopped_early && signals && signals->number() != 0) throw interrupted{signals->number()};
        co_await told_.flush();
        co_return code_;
    }

private:
    /// All that can be wrong with the command line is told before anybody is asked.
    tuyau::task<> prepare() {
        if (options_.message.method) check_method(*options_.message.method);
        check_write_out(options_.output.write_out);
        for (const std::string& each : options_.urls) urls_.push_back(read_url(each));
        check_proxy(client_options_of(options_), urls_, options_.connection);
        for (const std::string& each : options_.message.lines) lines_.push_back(header_line::parse(each));
        if (!options_.connection.proxy_user.empty()) add_proxy_user();
        if (options_.message.data_in_query) {
            const std::string data = co_await read_data(options_.message.data);
            for (tuyau::http::url& each : urls_) put_into_query(each, data);
        }
        const std::string& upload = options_.message.upload;
        if (!upload.empty() && upload != "-")
            for (tuyau::http::url& each : urls_)
                if (each.target.ends_with('/'))
                    each.target += percent_encoded(std::filesystem::path(upload).filename().string());
        sent_ = co_await read_body(options_.message);
        if (!sent_.size() && urls_.size() > 1)
            throw failure(
                exit_code::not_repeatable,
                fmt::format("the request's body comes out of no regular file, so that it can be read only once, "
                            "and there are {} URLs to send it to",
                            urls_.size()));
        (void)make_request(urls_.front(), options_.message, lines_, sent_); // what it refuses, it refuses now
        if (std::any_of(urls_.begin(), urls_.end(), [](const tuyau::http::url& each) { return each.secure; }))
            check_files(options_.tls);
    }

    void add_proxy_user() {
        const std::string& user = options_.connection.proxy_user;
        const auto colon = user.find(':');
        const tuyau::http::credentials who{user.substr(0, colon), user.substr(colon + 1)};
        lines_.push_back(header_line::parse("Proxy-Authorization: " + who.basic()));
    }

    bool has_file() const {
        const auto& all = options_.output.destinations;
        return std::any_of(all.begin(), all.end(), [](const destination& each) {
            return each.remote_name || (!each.path.empty() && each.path != "-");
        });
    }

    tuyau::task<> ask_for_all() {
        if (!options_.connection.parallel) {
            for (std::size_t i = 0; i < urls_.size(); ++i) co_await ask_for(i);
            co_return;
        }
        tuyau::scope all(options_.connection.most_parallel);
        for (std::size_t i = 0; i < urls_.size(); ++i) {
            auto begun = co_await all.spawn_bounded(ask_for(i));
            if (!begun) break;
        }
        co_await all.join();
    }

    tuyau::task<> ask_for(std::size_t number) {
        transfer one(*shared_, number, options_.urls[number], urls_[number]);
        std::optional<failure> wrong;
        try {
            co_await one.run();
        } catch (const failure& error) {
            wrong = error;
        }
        transfer_facts& facts = one.facts();
        facts.ended = tuyau::system::now();
        if (wrong) {
            facts.exit_code = static_cast<int>(wrong->code());
            facts.error = wrong->what();
            if (code_ == 0) code_ = facts.exit_code;
            report(facts.error);
        }
        co_await write_facts(facts);
    }

    void report(const std::string& what) {
        const output_options& options = options_.output;
        if (options.silent && !options.show_errors) return;
        told_.say(fmt::format("uring-client: {}\n", in_one_line(what)));
    }

    tuyau::task<> write_facts(const transfer_facts& facts) {
        if (options_.output.write_out.empty()) co_return;
        written_out text = write_out(options_.output.write_out, facts);
        if (!text.errors.empty()) told_.say(text.errors);
        if (text.output.empty()) co_return;
        if (::isatty(STDOUT_FILENO) == 1 && !options_.output.raw) text.output = shown_on_terminal(text.output);
        auto written = co_await tuyau::write_all(STDOUT_FILENO, std::string_view(text.output));
        if (written || code_ != 0) co_return;
        code_ = static_cast<int>(exit_code::not_written);
        report(fmt::format("cannot write to standard output: {}", written.error().message()));
    }

    request_options options_;
    std::vector<tuyau::http::url> urls_;
    std::vector<header_line> lines_;
    body sent_;
    messages told_;
    std::optional<undertaking> shared_;
    int code_ = 0;
};

} // namespace

tuyau::task<int> perform(request_options options) {
    performance all(std::move(options));
    co_return co_await all.run();
}

} // namespace uring_client
