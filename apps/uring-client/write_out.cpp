#include "write_out.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

using time_point = transfer_facts::time_point;

/// Seconds from the beginning on; 0 for what was over before, as on a connection that is used again, or has not been.
std::string seconds(const transfer_facts& facts, time_point when) {
    const double past = when <= facts.begun ? 0 : std::chrono::duration<double>(when - facts.begun).count();
    return fmt::format("{:.6f}", past);
}

std::string rate(const transfer_facts& facts, std::uint64_t bytes) {
    const double time = std::chrono::duration<double>(facts.ended - facts.begun).count();
    return fmt::format("{:.0f}", time > 0 ? static_cast<double>(bytes) / time : 0.0);
}

std::string field(const transfer_facts& facts, std::string_view name) {
    for (const auto& [each, value] : facts.fields)
        if (tuyau::http::equal_ignoring_case(each, name)) return value;
    return {};
}

std::string address(const std::optional<tuyau::endpoint>& end) { return end ? end->address() : std::string(); }
std::string port(const std::optional<tuyau::endpoint>& end) { return fmt::format("{}", end ? end->port() : 0); }

/// A connection that was used again was there when it was asked for.
time_point connected(const transfer_facts& facts) { return std::max(facts.connection.connected, facts.begun); }

using teller = std::string (*)(const transfer_facts&);
struct variable {
    std::string_view name;
    teller tell;
};

constexpr variable variables[] = {
    {"content_type", [](const transfer_facts& f) { return field(f, "content-type"); }},
    {"errormsg", [](const transfer_facts& f) { return f.error; }},
    {"exitcode", [](const transfer_facts& f) { return fmt::format("{}", f.exit_code); }},
    {"filename_effective", [](const transfer_facts& f) { return f.file; }},
    {"http_code", [](const transfer_facts& f) { return fmt::format("{:03}", f.status); }},
    {"http_version",
     [](const transfer_facts& f) { return f.status == 0 ? "0" : fmt::format("1.{}", f.minor_version); }},
    {"local_ip", [](const transfer_facts& f) { return address(f.connection.local); }},
    {"local_port", [](const transfer_facts& f) { return port(f.connection.local); }},
    {"method", [](const transfer_facts& f) { return f.method; }},
    {"num_connects", [](const transfer_facts& f) { return fmt::format("{}", f.counts.connections); }},
    {"num_headers", [](const transfer_facts& f) { return fmt::format("{}", f.fields.size()); }},
    {"num_redirects", [](const transfer_facts& f) { return fmt::format("{}", f.counts.redirects); }},
    {"redirect_url", [](const transfer_facts& f) { return f.redirect_url; }},
    {"remote_ip", [](const transfer_facts& f) { return address(f.connection.remote); }},
    {"remote_port", [](const transfer_facts& f) { return port(f.connection.remote); }},
    {"response_code", [](const transfer_facts& f) { return fmt::format("{:03}", f.status); }},
    {"scheme", [](const transfer_facts& f) { return f.scheme; }},
    {"size_download", [](const transfer_facts& f) { return fmt::format("{}", f.downloaded); }},
    {"size_header", [](const transfer_facts& f) { return fmt::format("{}", f.counts.heads); }},
    {"size_request", [](const transfer_facts& f) { return fmt::format("{}", f.counts.request); }},
    {"size_upload", [](const transfer_facts& f) { return fmt::format("{}", f.uploaded); }},
    {"speed_download", [](const transfer_facts& f) { return rate(f, f.downloaded); }},
    {"speed_upload", [](const transfer_facts& f) { return rate(f, f.uploaded); }},
    {"time_appconnect", [](const transfer_facts& f) { return seconds(f, f.connection.secured); }},
    {"time_connect", [](const transfer_facts& f) { return seconds(f, connected(f)); }},
    {"time_namelookup", [](const transfer_facts& f) { return seconds(f, std::max(f.connection.resolved, f.begun)); }},
    {"time_pretransfer",
     [](const transfer_facts& f) { return seconds(f, std::max(connected(f), f.connection.secured)); }},
    {"time_redirect", [](const transfer_facts& f) { return seconds(f, f.counts.last_redirect); }},
    {"time_starttransfer", [](const transfer_facts& f) { return seconds(f, f.first_byte); }},
    {"time_total", [](const transfer_facts& f) { return seconds(f, f.ended); }},
    {"url", [](const transfer_facts& f) { return f.url; }},
    {"url_effective", [](const transfer_facts& f) { return f.url_effective; }},
    {"urlnum", [](const transfer_facts& f) { return fmt::format("{}", f.number); }},
};

teller find(std::string_view name) {
    const auto found = std::find_if(std::begin(variables), std::end(variables),
                                    [&](const variable& each) { return each.name == name; });
    return found == std::end(variables) ? nullptr : found->tell;
}

/// Cuts a format into plain text and what stands for something.
class reader {
public:
    enum class kind { text, variable, header, end };
    struct piece {
        kind what;
        std::string_view text; ///< or the name
    };

    explicit reader(std::string_view format) : rest_(format) {}

    piece next() {
        if (rest_.empty()) return {kind::end, {}};
        if (rest_.starts_with("%{")) return named(2, kind::variable);
        if (rest_.starts_with("%header{")) return named(8, kind::header);
        if (rest_.starts_with("%%")) return special("%");
        if (rest_.starts_with("\\n")) return special("\n");
        if (rest_.starts_with("\\r")) return special("\r");
        if (rest_.starts_with("\\t")) return special("\t");
        const auto end = std::min(rest_.find_first_of("%\\", 1), rest_.size());
        return take(kind::text, rest_.substr(0, end), end);
    }

private:
    piece take(kind what, std::string_view text, std::size_t size) {
        rest_.remove_prefix(size);
        return {what, text};
    }
    piece special(std::string_view meaning) { return take(kind::text, meaning, 2); }
    piece named(std::size_t begin, kind what) {
        const auto end = rest_.find('}');
        if (end == std::string_view::npos) return take(kind::text, rest_, rest_.size());
        return take(what, rest_.substr(begin, end - begin), end + 1);
    }

    std::string_view rest_;
};

bool steers(std::string_view name) { return name == "stdout" || name == "stderr" || name == "onerror"; }

} // namespace

void check_write_out(std::string_view format) {
    if (format.starts_with('@'))
        throw failure(exit_code::usage, "-w takes the format itself, not the name of a file that holds it");
    reader pieces(format);
    for (auto each = pieces.next(); each.what != reader::kind::end; each = pieces.next())
        if (each.what == reader::kind::variable && !steers(each.text) && find(each.text) == nullptr)
            throw failure(
                exit_code::usage,
                fmt::format("-w does not know %{{{}}} (see uring-client --help for what it knows)", each.text));
}

written_out write_out(std::string_view format, const transfer_facts& facts) {
    written_out all;
    std::string* to = &all.output;
    reader pieces(format);
    for (auto each = pieces.next(); each.what != reader::kind::end; each = pieces.next()) {
        if (each.what == reader::kind::text) {
            to->append(each.text);
        } else if (each.what == reader::kind::header) {
            to->append(field(facts, each.text));
        } else if (const teller tell = find(each.text)) {
            to->append(tell(facts));
        } else if (each.text == "onerror") {
            if (facts.exit_code == 0) break;
        } else {
            to = each.text == "stderr" ? &all.errors : &all.output;
        }
    }
    return all;
}

} // namespace uring_client
