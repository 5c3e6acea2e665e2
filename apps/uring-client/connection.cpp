#include "connection.hpp"

#include <fmt/format.h>

#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/resolve.hpp>

#include "failure.hpp"

namespace uring_client {

name_rules::name_rules(const network_options& options)
    : family_(options.only_ipv4   ? tuyau::address_family::ipv4
              : options.only_ipv6 ? tuyau::address_family::ipv6
                                  : tuyau::address_family::any) {
    for (const std::string& each : options.resolve)
        if (!told_.add(each))
            throw failure(exit_code::usage, fmt::format("--resolve takes HOST:PORT:ADDRESS, not '{}'", each));
}

tuyau::connect_options name_rules::for_connecting(std::chrono::milliseconds limit) const {
    tuyau::connect_options how;
    how.limit = limit;
    how.family = family_;
    how.overrides = &told_;
    return how;
}

std::string connect_advice(std::error_code error) {
    if (error == std::errc::connection_refused) return "is the server running there?";
    if (error == std::errc::network_unreachable || error == std::errc::host_unreachable)
        return "is the network up, and the address right?";
    if (error == std::errc::too_many_files_open) return "raise the limit: ulimit -n";
    return {};
}

std::string no_answer(const std::string& peer, std::chrono::milliseconds limit, const std::string& doing) {
    return fmt::format("cannot connect to {}: no answer in {} s, {} (is the address right? --connect-timeout sets the "
                       "limit)",
                       peer, std::chrono::duration<double>(limit).count(), doing);
}

tuyau::task<tuyau::tcp_stream> connect_to(std::string host, std::uint16_t port, const name_rules& rules,
                                          std::chrono::milliseconds limit) {
    const tuyau::connect_options how = rules.for_connecting(limit);
    auto stream = co_await tuyau::connect(host, port, how);
    if (stream) co_return std::move(*stream);
    const std::error_code error = stream.error();
    if (error.category() == tuyau::resolve_category())
        throw failure(exit_code::not_resolved,
                      fmt::format("cannot resolve '{}': {} (is the name spelled right, and the network up?)", host,
                                  error.message()));
    const std::string where = tuyau::http::peer_name(host, port);
    const std::string doing = fmt::format("connecting to {}", where);
    if (error == std::errc::timed_out) throw failure(exit_code::timed_out, no_answer(where, limit, doing));
    const std::string advice = connect_advice(error);
    fail(error, doing, exit_code::not_connected,
         fmt::format("cannot connect to {}: {}{}", where, error.message(),
                     advice.empty() ? advice : fmt::format(" ({})", advice)));
}

} // namespace uring_client
