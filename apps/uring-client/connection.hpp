#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

#include <tuyau/net/connect.hpp>
#include <tuyau/net/host_table.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/task.hpp>

#include "options_connection.hpp"

namespace uring_client {

/// How names are looked up, as the options -4, -6 and --resolve have it. Throws a usage failure.
class name_rules {
public:
    explicit name_rules(const network_options& options);

    tuyau::address_family family() const noexcept { return family_; }
    const tuyau::host_table& told() const noexcept { return told_; }

    /// Valid as long as this is where it is.
    tuyau::connect_options for_connecting(std::chrono::milliseconds limit) const;

private:
    tuyau::address_family family_;
    tuyau::host_table told_;
};

/// What to try when there is no connection; empty when nobody knows.
std::string connect_advice(std::error_code error);

/// A time limit that passed before there was a connection.
std::string no_answer(const std::string& peer, std::chrono::milliseconds limit, const std::string& doing);

/// Connects, or throws the failure that says why not.
tuyau::task<tuyau::tcp_stream> connect_to(std::string host, std::uint16_t port, const name_rules& rules,
                                          std::chrono::milliseconds limit);

} // namespace uring_client
