// The command lines of uring-http and uring-client: the program's name and its arguments, one a line.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <apps/uring-client/failure.hpp>
#include <apps/uring-client/options.hpp>
#include <apps/uring-http/options.hpp>

#include "../support/http_by_the_book.hpp"
#include "../support/promise.hpp"

using fuzz::require;

namespace {

/// A command line as main() has it.
class command_line {
public:
    explicit command_line(std::vector<std::string> words) : words_(std::move(words)) {
        for (std::string& each : words_) pointers_.push_back(each.data());
        pointers_.push_back(nullptr);
    }
    int count() const { return static_cast<int>(words_.size()); }
    char** words() { return pointers_.data(); }

private:
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

/// While it lives, what the program prints goes here. The standard streams of this C library are variables.
class printed {
public:
    printed() : cout_(std::cout.rdbuf(out_.rdbuf())), cerr_(std::cerr.rdbuf(out_.rdbuf())), stderr_(stderr) {
        stderr = ::open_memstream(&errors_, &errors_size_);
    }
    printed(const printed&) = delete;
    printed& operator=(const printed&) = delete;
    ~printed() {
        stop();
        std::free(errors_);
    }

    void stop() {
        if (stderr_ == nullptr) return;
        std::fclose(stderr);
        stderr = std::exchange(stderr_, nullptr);
        std::cout.rdbuf(cout_);
        std::cerr.rdbuf(cerr_);
    }

    std::string out() const { return out_.str(); }
    std::string_view errors() const { return {errors_, errors_size_}; } ///< once it has stopped

private:
    std::ostringstream out_;
    std::streambuf* cout_;
    std::streambuf* cerr_;
    std::FILE* stderr_;
    char* errors_ = nullptr;
    std::size_t errors_size_ = 0;
};

// uring-http

std::optional<options> read_server(const std::vector<std::string>& words) {
    command_line line(words);
    int code = -1;
    printed all;
    const auto chosen = read_options(line.count(), line.words(), code);
    all.stop();
    if (chosen) {
        require(all.out().empty() && all.errors().empty(), "what is done goes without saying");
    } else if (code == 0) {
        require(!all.out().empty() && all.errors().empty(), "help and version go to standard output");
    } else {
        require(code == 2 && all.out().empty(), "a wrong option is told on standard error");
        std::string_view told = all.errors();
        require(told.starts_with("uring-http: ") && told.ends_with("\n"), "what is wrong is told");
        told.remove_suffix(1);
        require(fuzz::by_the_book::is_text(told), "what is wrong is told in one line");
    }
    return chosen;
}

std::vector<std::string> write_server(const options& chosen) {
    const tuyau::http::server_limits& limits = chosen.limits;
    std::vector<std::string> words{"uring-http"};
    for (const tuyau::endpoint& each : chosen.listen) words.insert(words.end(), {"--listen", each.to_string()});
    const auto add = [&words](const char* name, auto value) {
        words.insert(words.end(), {name, fmt::format("{}", value)});
    };
    const auto add_text = [&words](const std::string& name, const std::string& value) {
        words.push_back(fmt::format("{}={}", name, value)); // or else one with a '-' is taken for an option
    };
    const site_options& site = chosen.site;
    if (!site.root.empty()) add_text("--root", site.root);
    for (const auto& [name, folder] : site.hosts) add_text("--host", fmt::format("{}={}", name, folder));
    for (const std::string& each : site.files.index) add_text("--index", each);
    if (site.files.listing) words.emplace_back("--listing");
    if (!site.files.files.cache_control.empty()) add_text("--cache-control", site.files.files.cache_control);
    if (!chosen.access_log.empty()) add_text("--access-log", chosen.access_log);
    add("--cache", site.files.cache);
    add("--threads", chosen.threads);
    add("--max-per-address", limits.connections_per_address);
    add("--max-requests", limits.requests);
    add("--body-rate", limits.body_rate);
    add("--max-target", limits.request.target);
    add("--max-header", limits.request.head);
    add("--max-fields", limits.request.fields);
    const auto add_time = [&add](const char* name, std::chrono::milliseconds value) {
        add(name, fmt::format("{}.{:03}", value.count() / 1000, value.count() % 1000));
    };
    add("--max-connections", limits.connections);
    add("--max-body", limits.request.body);
    add_time("--header-timeout", limits.header_time);
    add_time("--body-timeout", limits.body_time);
    add_time("--idle-timeout", limits.idle_time);
    add_time("--send-timeout", limits.send_time);
    add_time("--drain-timeout", limits.drain_time);
    if (chosen.doctor) words.emplace_back("--doctor");
    return words;
}

void check_server(const std::vector<std::string>& words) {
    const auto chosen = read_server(words);
    if (!chosen) return;
    const tuyau::http::server_limits& limits = chosen->limits;
    require(!chosen->listen.empty(), "there is somewhere to listen");
    require(chosen->threads >= 1 && chosen->threads <= 1024, "threads are within bounds");
    require(limits.requests >= 1 && limits.requests <= 10'000'000, "requests are within bounds");
    require(limits.request.fields >= 1 && limits.request.fields <= 10'000'000, "fields are within bounds");
    require(limits.request.head <= 16 * 1024 * 1024, "a head is within bounds");
    require(limits.request.target <= 16 * 1024 * 1024, "a target is within bounds");
    for (const auto& [name, folder] : chosen->site.hosts)
        require(!name.empty() && !folder.empty(), "a host has a name and a folder");
    for (const std::string& each : chosen->site.files.index)
        require(!each.empty() && each.find('/') == std::string::npos, "an index is the name of a file");
    require(limits.connections >= 1 && limits.connections <= 10'000'000, "connections are within bounds");
    require(limits.request.body <= std::uint64_t{1} << 40, "a body is within bounds");
    for (const auto each :
         {limits.header_time, limits.body_time, limits.idle_time, limits.send_time, limits.drain_time})
        require(each.count() >= 1 && each <= std::chrono::hours(24), "times are within bounds");
    const auto written = write_server(*chosen);
    const auto again = read_server(written);
    require(again && write_server(*again) == written, "options that are written are read the same");
}

// uring-client

using namespace uring_client;

std::optional<command> read_client(const std::vector<std::string>& words) {
    command_line line(words);
    printed all;
    std::optional<command> asked;
    try {
        asked = read_command_line(line.count(), line.words());
    } catch (const failure& why) {
        all.stop();
        require(why.code() == exit_code::usage, "what is wrong is the command line");
        require(*why.what() != '\0' && fuzz::by_the_book::is_text(why.what()), "what is wrong is told in one line");
    }
    all.stop();
    require(all.errors().empty(), "nothing else is printed");
    const auto* code = asked ? std::get_if<int>(&*asked) : nullptr;
    require(all.out().empty() == (code == nullptr), "help and version go to standard output");
    require(code == nullptr || *code == 0, "who asked for help has it");
    return asked;
}

std::string seconds(std::chrono::milliseconds time) {
    return fmt::format("{}.{:03}", time.count() / 1000, time.count() % 1000);
}

void check_limit(std::chrono::milliseconds limit) {
    require(limit.count() >= 0 && limit.count() <= 1'000'000'000'000, "times are within bounds");
}

/// A command line that is put together again.
class written_line {
public:
    explicit written_line(std::string program) { words_.push_back(std::move(program)); }

    void add_flag(const std::string& name, bool is_set) {
        if (is_set) words_.push_back(name);
    }
    // After '=' CLI11 takes an empty value for one that follows, and without it one with a '-' for an option.
    void add(const std::string& name, const std::string& value) {
        if (value.starts_with('-'))
            words_.push_back(name + "=" + value);
        else
            words_.insert(words_.end(), {name, value});
    }
    void add_text(const std::string& name, const std::string& value) {
        if (!value.empty()) add(name, value);
    }
    void add_text(const std::string& name, const std::optional<std::string>& value) {
        if (value) add(name, *value);
    }
    void add_all(const std::string& name, const std::vector<std::string>& values) {
        for (const std::string& each : values) add(name, each);
    }
    void add_word(const std::string& word) { words_.push_back(word); }
    std::vector<std::string> words() const { return words_; }

private:
    std::vector<std::string> words_;
};

const char* option_of(data_option::kind what) {
    switch (what) {
    case data_option::kind::raw: return "--data-raw";
    case data_option::kind::binary: return "--data-binary";
    case data_option::kind::urlencoded: return "--data-urlencode";
    case data_option::kind::json: return "--json";
    case data_option::kind::text: break;
    }
    return "--data";
}

void write(written_line& line, const message_options& asked) {
    line.add_flag("-I", asked.head_only);
    line.add_flag("-G", asked.data_in_query);
    line.add_flag("--compressed", asked.compressed);
    line.add_text("--request", asked.method);
    line.add_all("--header", asked.lines);
    for (const data_option& each : asked.data) line.add(option_of(each.what), each.value);
    line.add_all("--form", asked.form);
    line.add_text("--upload-file", asked.upload);
    line.add_text("--user", asked.user);
    line.add_text("--user-agent", asked.agent);
    line.add_text("--referer", asked.referer);
    line.add_text("--cookie", asked.cookie);
    line.add_text("--range", asked.range);
}

void write(written_line& line, const output_options& asked) {
    for (const destination& each : asked.destinations)
        if (each.remote_name)
            line.add_word("-O");
        else
            line.add("--output", each.path);
    line.add_text("--output-dir", asked.folder);
    line.add_flag("-i", asked.show_heads);
    line.add_flag("-v", asked.verbose);
    line.add_flag("-s", asked.silent);
    line.add_flag("-S", asked.show_errors);
    line.add_flag("--no-progress-meter", !asked.meter);
    line.add_flag("-f", asked.fail);
    line.add_flag("--fail-with-body", asked.fail_with_body);
    line.add_flag("--raw-output", asked.raw);
    if (asked.resume) line.add("--continue-at", "-");
    if (asked.largest_body != 0) line.add("--max-filesize", std::to_string(asked.largest_body));
    line.add_text("--write-out", asked.write_out);
}

void write(written_line& line, const network_options& asked) {
    line.add_flag("-4", asked.only_ipv4);
    line.add_flag("-6", asked.only_ipv6);
    line.add_all("--resolve", asked.resolve);
}

void write(written_line& line, const connection_options& asked) {
    line.add("--connect-timeout", seconds(asked.connect_limit));
    line.add("--max-time", seconds(asked.whole_limit));
    line.add_text("--proxy", asked.proxy);
    line.add_text("--noproxy", asked.no_proxy);
    line.add_text("--proxy-user", asked.proxy_user);
    line.add_text("--proxy-cacert", asked.proxy_ca_file);
    line.add_flag("--proxy-insecure", asked.proxy_insecure);
    line.add_flag("-p", asked.tunnel);
    line.add_text("--unix-socket", asked.unix_socket);
    write(line, asked.network);
    line.add_flag("-Z", asked.parallel);
    line.add("--parallel-max", std::to_string(asked.most_parallel));
}

void write(written_line& line, const tls_options& asked) {
    line.add_flag("-k", asked.insecure);
    line.add_text("--cacert", asked.ca_file);
    line.add_text("--capath", asked.ca_folder);
    line.add_text("--crlfile", asked.crl_file);
    line.add_text("--cert", asked.certificate);
    line.add_text("--key", asked.key);
    line.add_flag("--tlsv1.3", asked.only_1_3);
}

void write(written_line& line, const repeat_options& asked) {
    line.add_flag("-L", asked.follow);
    line.add("--max-redirs", std::to_string(asked.most_redirects));
    line.add("--retry", std::to_string(asked.retries));
    line.add("--retry-delay", seconds(asked.retry_delay));
    line.add("--retry-max-time", seconds(asked.retry_limit));
    line.add_flag("--retry-connrefused", asked.retry_refused);
    line.add_flag("--retry-all-errors", asked.retry_all);
}

std::vector<std::string> write_client(const request_options& asked) {
    written_line line("uring-client");
    write(line, asked.message);
    write(line, asked.output);
    write(line, asked.connection);
    write(line, asked.tls);
    write(line, asked.repeat);
    line.add_word("--");
    for (const std::string& each : asked.urls) line.add_word(each);
    return line.words();
}

std::vector<std::string> write_client(const tcp_options& asked) {
    written_line line("uring-client");
    line.add_word("tcp");
    line.add_flag("--listen", asked.listen);
    line.add_flag("--tls", asked.secure);
    line.add_flag("--raw-output", asked.raw);
    line.add("--connect-timeout", seconds(asked.connect_limit));
    write(line, asked.network);
    write(line, asked.tls);
    line.add_word("--");
    line.add_word(asked.host);
    line.add_word(std::to_string(asked.port));
    return line.words();
}

std::chrono::milliseconds connect_limit_of(const request_options& asked) { return asked.connection.connect_limit; }
std::chrono::milliseconds connect_limit_of(const tcp_options& asked) { return asked.connect_limit; }

template <typename Options>
void check_client(const Options& asked) {
    check_limit(connect_limit_of(asked));
    require(connect_limit_of(asked).count() > 0, "connecting has a limit");
    const auto written = write_client(asked);
    const auto again = read_client(written);
    const auto* same = again ? std::get_if<Options>(&*again) : nullptr;
    require(same != nullptr && write_client(*same) == written, "options that are written are read the same");
}

void check_client(const std::vector<std::string>& words) {
    const auto asked = read_client(words);
    if (!asked) return;
    if (const auto* tcp = std::get_if<tcp_options>(&*asked)) {
        require(tcp->port != 0 || tcp->listen, "there is a port");
        check_client(*tcp);
    } else if (const auto* one = std::get_if<request_options>(&*asked)) {
        check_limit(one->connection.whole_limit);
        require(!one->urls.empty(), "there is a URL");
        check_client(*one);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> words;
    std::istringstream text(std::string(reinterpret_cast<const char*>(data), size));
    for (std::string each; std::getline(text, each);) {
        std::replace(each.begin(), each.end(), '\0', '\n'); // no argument has a NUL, and some have line breaks
        words.push_back(std::move(each));
    }
    if (words.empty()) return 0;
    if (words.front() == "uring-http")
        check_server(words);
    else
        check_client(words);
    return 0;
}
