#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Errors of getaddrinfo(3), with its words.
const std::error_category& resolve_category() noexcept;

/// The addresses of `host`, in the order in which they are to be tried (RFC 6724), each with `port`; never none.
///
/// A numeric address, IPv6 with or without brackets, is answered at once. A name is looked up as the system is configured
/// to (/etc/hosts, DNS, …), on a thread for blocking calls. Errors are of `resolve_category()`.
task<result<std::vector<endpoint>>> resolve(std::string host, std::uint16_t port);

} // namespace tuyau
