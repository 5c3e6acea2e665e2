#include <tuyau/net/http/virtual_hosts.hpp>

#include <algorithm>
#include <utility>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

/// What answers for nobody's host.
task<> misdirected(request&, response& reply) {
    reply.send_error(421, "This server has nothing by the name of this host.");
    co_return;
}

} // namespace

std::string canonical_host(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    std::string canonical(name);
    std::transform(canonical.begin(), canonical.end(), canonical.begin(), to_lower);
    return canonical;
}

void virtual_hosts::add(std::string_view name, handler answer) {
    by_name_.insert_or_assign(canonical_host(name), std::move(answer));
}

/// No coroutine of its own: it hands on that of the host.
task<> virtual_hosts::operator()(request& asked, response& reply) {
    const auto found = by_name_.find(canonical_host(asked.host()));
    if (found != by_name_.end()) return found->second(asked, reply);
    return others_ ? others_(asked, reply) : misdirected(asked, reply);
}

} // namespace tuyau::http
