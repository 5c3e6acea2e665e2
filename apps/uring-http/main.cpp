#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/doctor.hpp>
#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/workers.hpp>

#include "hello.hpp"
#include "options.hpp"

using namespace tuyau;

namespace {

constexpr int cannot_serve = 1;

void say(const std::string& what) { std::fputs(fmt::format("uring-http: {}\n", what).c_str(), stderr); }

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
    http::server_limits limits; ///< of each
    concurrent::event ending;   ///< nobody new is served from then on
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
task<> serve_here(service& all, own_listeners listeners) {
    hello program;
    http::server server(std::ref(program), all.limits);
    scope accepting;
    for (tcp_listener& each : listeners) accepting.spawn(accept_on(server, each, all));
    co_await all.ending.wait();
    accepting.stop();
    co_await accepting.join();
    listeners.clear();
    const bool finished = co_await server.drain();
    if (!finished) all.broke_off = true;
}

/// The first signal ends the service, the second at once.
task<> obey(signal_set& signals, service& all, scope& threads) {
    auto first = co_await signals.next();
    if (!first && is_cancelled(first.error())) co_return;
    all.ending.set();
    if (auto second = co_await signals.next()) threads.stop();
}

void announce(const own_listeners& listeners, std::size_t threads) {
    const std::string crew = threads == 1 ? "" : fmt::format(" with {} threads", threads);
    for (const tcp_listener& each : listeners)
        fmt::print("Serving http://{}/{} (Ctrl-C ends)\n", each.local_endpoint().value().to_string(), crew);
    std::fflush(stdout);
}

task<int> serve(options chosen) {
    std::vector<own_listeners> listeners(chosen.threads);
    if (!open(chosen.listen, listeners)) co_return cannot_serve;
    signal_set signals{SIGINT, SIGTERM};
    service all;
    all.limits = chosen.limits;
    // Each thread has its share.
    all.limits.connections = (chosen.limits.connections + chosen.threads - 1) / chosen.threads;
    std::optional<workers> others;
    if (chosen.threads > 1) others.emplace(worker_options{.count = chosen.threads - 1});

    announce(listeners.front(), chosen.threads);
    scope threads;
    threads.spawn(serve_here(all, std::move(listeners.front())));
    for (std::size_t index = 1; index < chosen.threads; ++index) {
        auto there = [&all, own = &listeners[index]] { return serve_here(all, std::move(*own)); };
        threads.spawn(run_on((*others)[index - 1], there));
    }
    scope obeying;
    obeying.spawn(obey(signals, all, threads));
    co_await threads.join();
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
    return chosen->doctor ? print_diagnosis() : run(serve(std::move(*chosen)));
}
