#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/doctor.hpp>
#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>
#include <tuyau/runtime/workers.hpp>

#include "access_log.hpp"
#include "options.hpp"
#include "say.hpp"
#include "site.hpp"

using namespace tuyau;

namespace {

constexpr int cannot_serve = 1;

const char* advice_on(const std::error_code& trouble) {
    if (trouble == std::errc::address_in_use)
        return " (another program listens there; choose another port with --listen)";
    if (trouble == std::errc::address_not_available) return " (no interface of this machine has that address)";
    if (trouble == std::errc::permission_denied) return " (ports below 1024 are for root, or CAP_NET_BIND_SERVICE)";
    if (trouble == std::errc::too_many_files_open) return " (raise the limit of descriptors: ulimit -n)";
    return "";
}

/// The listeners of one thread, one for each address.
using own_listeners = std::vector<tcp_listener>;

/// Opens every address for each thread, or says in one line which one could not be opened.
bool open(const std::vector<endpoint>& where, std::vector<own_listeners>& threads) {
    for (const endpoint& each : where) {
        auto several = tcp_listener::bind_several(each, threads.size());
        if (!several) {
            say(fmt::format("cannot listen on {}: {}{}", each.to_string(), several.error().message(),
                            advice_on(several.error())));
            return false;
        }
        for (std::size_t thread = 0; thread < threads.size(); ++thread)
            threads[thread].push_back(std::move((*several)[thread]));
    }
    return true;
}

/// What the threads have in common.
struct service {
    service(site open, const http::server_limits& bounds, std::size_t count, access_log* lines)
        : content(std::move(open)), limits(bounds), threads(count), log(lines) {
        if (limits.connections_per_address != 0)
            quota = std::make_shared<http::address_quota>(limits.connections_per_address);
        if (threads > 1) places = std::make_shared<concurrent::semaphore>(limits.connections);
    }

    const site content;
    const http::server_limits limits;
    const std::size_t threads;
    access_log* const log; ///< null if there is none
    std::shared_ptr<http::address_quota> quota;
    std::shared_ptr<concurrent::semaphore> places; ///< for the connections of all
    concurrent::event ending;                      ///< nobody new is served from then on
    std::atomic<bool> cannot_accept = false;
    std::atomic<bool> broke_off = false; ///< something that was under way
};

task<> accept_on(http::server& server, tcp_listener& listener, service& all) {
    std::string trouble;
    try {
        auto ended = co_await server.serve(listener);
        if (is_cancelled(ended.error())) co_return;
        trouble = ended.error().message();
    } catch (const std::exception& thrown) {
        trouble = thrown.what();
    }
    say(fmt::format("cannot accept connections: {}", trouble));
    all.cannot_accept = true;
    all.ending.set();
}

/// What one thread does. A stop breaks off what is under way.
task<> serve_here(service& all, own_listeners listeners, std::size_t index) {
    http::server server(all.content.handler_for_one_of(all.threads), all.limits, all.quota, all.places);
    if (all.log != nullptr)
        server.observe([&lines = all.log->of_thread(index)](const http::answered& what) { lines.add(what); });
    scope accepting;
    for (tcp_listener& each : listeners) accepting.spawn(accept_on(server, each, all));
    co_await all.ending.wait();
    accepting.stop();
    co_await accepting.join();
    listeners.clear();
    const bool finished = co_await server.drain();
    if (!finished) all.broke_off = true;
}

/// The first signal ends the service, the second at once. A SIGHUP opens the log anew.
task<> obey(signal_set& signals, service& all, scope& threads, scope& logging) {
    for (bool again = false;;) {
        auto number = co_await signals.next();
        if (!number && is_cancelled(number.error())) co_return;
        if (number && *number == SIGHUP) {
            all.log->reopen();
            continue;
        }
        all.ending.set();
        if (again) {
            threads.stop();
            logging.stop();
        }
        again = true;
    }
}

task<result<void>> end_of(scope& children) {
    co_await children.join();
    co_return {};
}

/// Writes what the log has not written yet, if that can be done in the time.
task<> finish(access_log* log, scope& logging, std::chrono::milliseconds time) {
    if (log == nullptr) co_return;
    log->close();
    co_await with_deadline(time, end_of(logging));
    log->tell_losses();
}

std::string in_seconds(std::chrono::milliseconds time) {
    return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

void announce(const own_listeners& listeners, const options& chosen, const site& content) {
    const std::string crew = chosen.threads == 1 ? "" : fmt::format(" with {} threads", chosen.threads);
    for (const tcp_listener& each : listeners)
        fmt::print("Serving http://{}/{} (Ctrl-C ends)\n", each.local_endpoint().value().to_string(), crew);
    const http::server_limits& limits = chosen.limits;
    const std::string per_address =
        limits.connections_per_address == 0 ? "" : fmt::format(", {} of one address", limits.connections_per_address);
    const std::string earned =
        limits.body_rate == 0 ? "" : fmt::format(" (each {} bytes give back a second)", limits.body_rate);
    fmt::print(
        "{}At most {} connections{}, {} requests each; a request of {} bytes, a target of {}, {} fields, a body of "
        "{} bytes\n"
        "Time for a header section {}, a body {}{}, the next request {}, to take a response {}, to end {}\n",
        content.description(), limits.connections, per_address, limits.requests, limits.request.head,
        limits.request.target, limits.request.fields, limits.request.body, in_seconds(limits.header_time),
        in_seconds(limits.body_time), earned, in_seconds(limits.idle_time), in_seconds(limits.send_time),
        in_seconds(limits.drain_time));
    if (!chosen.access_log.empty())
        fmt::print("The access log, in the combined format: {}\n",
                   access_log::is_file(chosen.access_log) ? chosen.access_log : "here");
    std::fflush(stdout);
}

/// Each connection of a thread, which has its share of them, may have a buffer to read its request from.
loop_options loop_options_for(const options& all) {
    loop_options chosen;
    constexpr std::size_t highest = 32'768;
    const std::size_t share = (all.limits.connections + all.threads - 1) / all.threads;
    chosen.buffers.most = static_cast<unsigned>(std::clamp<std::size_t>(2 * share, chosen.buffers.most, highest));
    return chosen;
}

task<int> serve(options chosen) {
    std::optional<site> content;
    std::unique_ptr<access_log> log;
    try {
        content.emplace(co_await site::open(chosen.site));
        if (!chosen.access_log.empty()) log = co_await access_log::open(chosen.access_log, chosen.threads);
    } catch (const std::runtime_error& trouble) {
        say(trouble.what());
        co_return cannot_serve;
    }
    std::vector<own_listeners> listeners(chosen.threads);
    if (!open(chosen.listen, listeners)) co_return cannot_serve;
    signal_set signals =
        access_log::is_file(chosen.access_log) ? signal_set{SIGINT, SIGTERM, SIGHUP} : signal_set{SIGINT, SIGTERM};
    std::optional<workers> others;
    if (chosen.threads > 1)
        others.emplace(worker_options{.count = chosen.threads - 1, .loop = loop_options_for(chosen)});
    announce(listeners.front(), chosen, *content);
    service all(std::move(*content), chosen.limits, chosen.threads, log.get());

    scope logging;
    if (log != nullptr) logging.spawn(log->write());
    scope threads;
    threads.spawn(serve_here(all, std::move(listeners.front()), 0));
    for (std::size_t index = 1; index < chosen.threads; ++index) {
        auto there = [&all, own = &listeners[index], index] { return serve_here(all, std::move(*own), index); };
        threads.spawn(run_on((*others)[index - 1], there));
    }
    scope obeying;
    obeying.spawn(obey(signals, all, threads, logging));
    co_await threads.join();
    co_await finish(log.get(), logging, chosen.limits.drain_time);
    obeying.stop();
    co_await obeying.join();
    if (all.broke_off) say("some connections did not finish in time and were broken off");
    co_return all.cannot_accept ? cannot_serve : 0;
}

int print_diagnosis() {
    const diagnosis found = diagnose();
    std::fputs(to_text(found).c_str(), stdout);
    return found.can_run() ? 0 : cannot_serve;
}

} // namespace

int main(int argc, char** argv) {
    int exit_code = 0;
    auto chosen = read_options(argc, argv, exit_code);
    if (!chosen) return exit_code;
    if (chosen->doctor) return print_diagnosis();
    std::signal(SIGPIPE, SIG_IGN); // an output that nobody reads is an error like others
    const loop_options loop = loop_options_for(*chosen);
    return run(serve(std::move(*chosen)), loop);
}
