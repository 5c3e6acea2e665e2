#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// A host's name as names are compared: in lower case, and without the dot that ends a fully qualified one.
std::string canonical_host(std::string_view name);

/// A handler that lets each host be served by one of its own. For one loop.
class virtual_hosts {
public:
    /// `others` serves the hosts that were not added. Without it they get a 421 (RFC 9110, section 15.5.20).
    explicit virtual_hosts(handler others = nullptr) : others_(std::move(others)) {}

    /// `name` is compared in any case, with a dot behind it or without, and stands without a port. One that is there already
    /// is replaced.
    void add(std::string_view name, handler answer);

    task<> operator()(request& asked, response& reply);

private:
    handler others_;
    std::unordered_map<std::string, handler> by_name_; // canonical
};

} // namespace tuyau::http
