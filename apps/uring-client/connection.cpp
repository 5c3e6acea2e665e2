#include "connection.hpp"

#include <fmt/format.h>

#include <tuyau/net/resolve.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

std::string advice(std::error_code error) {
    if (error == std::errc::connection_refused) return " (is the server running there?)";
    if (error == std::errc::network_unreachable || error == std::errc::host_unreachable)
        return " (is the network up, and the address right?)";
    if (error == std::errc::too_many_files_open) return " (raise the limit: ulimit -n)";
    return "";
}

} // namespace

std::string name_of(const std::string& host, std::uint16_t port) {
    const bool bare_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
    return bare_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

tuyau::task<tuyau::tcp_stream> connect_to(std::string host, std::uint16_t port, std::chrono::milliseconds limit) {
    auto stream = co_await tuyau::connect(host, port, limit);
    if (stream) co_return std::move(*stream);
    const std::error_code error = stream.error();
    if (error.category() == tuyau::resolve_category())
        throw failure(exit_code::not_resolved,
                      fmt::format("cannot resolve '{}': {} (is the name spelled right, and the network up?)", host,
                                  error.message()));
    const std::string where = name_of(host, port);
    if (error == std::errc::timed_out)
        throw failure(exit_code::timed_out,
                      fmt::format("cannot connect to {}: no answer in {} s (is the address right? --connect-timeout "
                                  "sets the limit)",
                                  where, std::chrono::duration<double>(limit).count()));
    fail(error, fmt::format("connecting to {}", where), exit_code::not_connected,
         fmt::format("cannot connect to {}: {}{}", where, error.message(), advice(error)));
}

} // namespace uring_client
