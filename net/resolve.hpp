#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/host_table.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Errors of getaddrinfo(3), with its words.
const std::error_category& resolve_category() noexcept;

enum class address_family { any, ipv4, ipv6 };

struct resolve_options {
    address_family family = address_family::any;
    const host_table* overrides = nullptr; ///< looked at first; borrowed until the task has finished
};

/// The addresses of `host`, in the order in which they are to be tried (RFC 6724), each with `port`; never none.
///
/// A numeric address, IPv6 with or without brackets, is answered at once. A name is looked up as the system is configured
/// to (/etc/hosts, DNS, …), on a thread for blocking calls that wait for the network; a stop ends the wait at once, and
/// leaves the thread to it. Errors are of `resolve_category()`, also that there is no address of the family asked for; or
/// `resource_unavailable_try_again` when look-ups that never end have all threads.
task<result<std::vector<endpoint>>> resolve(std::string host, std::uint16_t port, resolve_options options = {});

} // namespace tuyau
