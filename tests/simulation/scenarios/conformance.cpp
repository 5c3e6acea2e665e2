// The library's server held to the table of tests/http/conformance: many clients at a time, whose cases are cut at random.

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/run.hpp>

#include "judge.hpp"
#include "serving.hpp"
#include "table.hpp"
#include "uring_http.hpp"
#include "visit.hpp"
#include "witness.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;

using refusals = decltype(tuyau::http::server_counts::refusals);

/// The program: a server with the handler of the table, until a signal ends it.
tuyau::task<> serve(refusals& counted, bool calm) {
    tuyau::http::server server(conformance::witness, conformance::limits_of_the_table());
    const bool drained = co_await serve_until_told(server, port);
    expect(drained || !calm, "a drain of clients who are all gone took too long");
    counted = server.counts().refusals;
}

class examination {
public:
    explicit examination(kernel& here) : here_(here), random_(here.random()), cases_(conformance::table()) {}

    void run() {
        const bool calm = random_.chance(0.7);
        if (calm) {
            spare_connections(here_);
            here_.net().set_line(line_quality{.latency = random_.one_of<duration>(0ns, 20us, 2ms),
                                              .jitter = 100us,
                                              .largest_segment = random_.one_of<std::size_t>(1, 20, 1400)});
        }
        crowd_.start(examiner());
        refusals counted{};
        const int code = tuyau::run(serve(counted, calm));
        expect(code == 0 || !listened_, "the server ended with exit code {}", code);
        for (std::size_t cause = 1; cause < counted.size() && listened_; ++cause)
            expect(all_seen_ ? counted[cause] == seen_[cause] : counted[cause] >= seen_[cause],
                   "{} refusals for '{}' were counted, and {} seen", counted[cause],
                   name_of(static_cast<tuyau::http::refusal_cause>(cause)), seen_[cause]);
    }

private:
    action<> examiner() {
        co_await until_listening(port);
        listened_ = true;
        peers all;
        for (auto count = random_.between(2, 6); count != 0; --count) all.start(client());
        if (random_.chance(0.4)) all.start(one_who_breaks_off());
        co_await all.end();
        here_.signal(SIGTERM);
    }

    const conformance::test_case& any_case() { return cases_[random_.below(cases_.size())]; }

    action<> client() {
        co_await pause(here_.random_delay(1ms));
        for (auto count = random_.between(1, 6); count != 0; --count) {
            const conformance::test_case& asked = any_case();
            visit mine(hours_);
            const bool entered = co_await mine.enter(port);
            if (!entered) continue;
            std::string answers;
            const instant began = here_.now();
            mine.ask();
            co_await converse(asked, mine.line(), answers);
            const std::string fault = conformance::fault_in(asked, answers, {});
            if (fault.empty()) {
                note_refusal(asked);
                continue;
            }
            all_seen_ = false;
            expect(mine.is_excused() || went_too_far(asked, mine.line(), began), "{}: {}: {}", asked.place, asked.name,
                   fault);
        }
    }

    void note_refusal(const conformance::test_case& asked) {
        const std::string& wanted = asked.answers.empty() ? std::string() : asked.answers.back().cause;
        for (std::size_t cause = 1; cause < seen_.size(); ++cause)
            if (name_of(static_cast<tuyau::http::refusal_cause>(cause)) == wanted) ++seen_[cause];
    }

    /// Whether a reset may have cost a client its answer, because it went on when the server did not listen any more: behind
    /// a request that it had called its last, or when a server that had refused it had lingered long enough for most lines.
    bool went_too_far(const conformance::test_case& asked, const peer& server, instant began) const {
        const bool is_reset = server.is_broken() || server.error() != 0;
        const bool was_the_last = asked.end == conformance::ending::closes && asked.answers.back().cause.empty();
        return is_reset && (was_the_last || here_.now() - began > 1s);
    }

    action<> converse(const conformance::test_case& asked, peer& server, std::string& answers) {
        const std::size_t most = random_.one_of<std::size_t>(1, 3, 50, 10'000);
        const duration between = random_.one_of<duration>(0ns, 0ns, 10us, 1ms);
        for (std::size_t part = 0; part < asked.parts.size(); ++part) {
            if (part > 0) co_await receive(server, answers, "HTTP/1.1 100 Continue\r\n\r\n");
            std::string bytes = asked.parts[part];
            const bool is_last = part + 1 == asked.parts.size();
            if (is_last && asked.end == conformance::ending::open) bytes += conformance::next_request;
            for (std::size_t at = 0; at < bytes.size();) {
                const std::size_t size = std::min(random_.between<std::size_t>(1, most), bytes.size() - at);
                const bool sent = co_await server.send(bytes.substr(at, size));
                if (!sent) break;
                at += size;
                if (between != 0ns) co_await pause(here_.random_delay(between));
            }
        }
        if (asked.end == conformance::ending::waits) server.shutdown_send();
        co_await receive(server, answers, {});
    }

    /// Until that has come, or the end.
    static action<> receive(peer& server, std::string& answers, std::string_view until) {
        while (until.empty() || answers.find(until) == std::string::npos) {
            const std::string got = co_await server.receive();
            if (got.empty()) break;
            answers += got;
        }
    }

    /// In the middle of whatever it says.
    action<> one_who_breaks_off() {
        all_seen_ = false;
        for (auto count = random_.between(1, 4); count != 0; --count) {
            peer server = co_await peer::connect(port);
            if (!server.is_open()) continue;
            const std::string bytes = any_case().bytes();
            server.send_now(bytes.substr(0, random_.between<std::size_t>(0, bytes.size())));
            co_await pause(here_.random_delay(1ms));
            if (random_.chance(0.5)) server.reset();
        }
    }

    kernel& here_;
    random_source& random_;
    const std::vector<conformance::test_case>& cases_;
    opening_hours hours_;
    refusals seen_{};
    bool all_seen_ = true; ///< nobody was refused without noticing
    bool listened_ = false;
    peers crowd_; // last: they use all of the above
};

} // namespace

void conformance_of_the_server(kernel& here) {
    // Not of the seed's chance, so that seeds that were kept keep their meaning.
    if (here.seed() / 10 % 4 == 1) return handlers_at_both_ends(here);
    examination(here).run();
}

} // namespace simulation::scenarios
