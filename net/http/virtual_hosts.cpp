#include <tuyau/net/http/virtual_hosts.hpp>

#include <algorithm>
#include <utility>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

std::string in_lower_case(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
    return lower;
}

/// What answers for nobody's host.
task<> misdirected(request&, response& reply) {
    reply.send_error(421, "This server has nothing by the name of this host.");
    co_return;
}

} // namespace

void virtual_hosts::add(std::string_view name, handler answer) {
    by_name_.insert_or_assign(in_lower_case(name), std::move(answer));
}

/// No coroutine of its own: it hands on that of the host.
task<> virtual_hosts::operator()(request& asked, response& reply) {
    std::string_view name = asked.host();
    if (name.ends_with('.')) name.remove_suffix(1); // as fully qualified names may be spelled
    const auto found = by_name_.find(in_lower_case(name));
    if (found != by_name_.end()) return found->second(asked, reply);
    return others_ ? others_(asked, reply) : misdirected(asked, reply);
}

} // namespace tuyau::http
