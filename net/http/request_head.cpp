#include <tuyau/net/http/request_head.hpp>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

/// The path and query of a target, which mostly is nothing else.
std::string_view without_host(std::string_view target) noexcept {
    if (target.starts_with('/')) return target;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const auto end = target.find_first_of("/?");
        if (end == std::string_view::npos || target[end] == '?') return "/";
        return target.substr(end);
    }
    return target;
}

} // namespace

std::string_view request_head::path() const noexcept {
    const std::string_view whole = without_host(target);
    return whole.substr(0, whole.find('?'));
}

std::string_view value_of(std::span<const field> fields, std::string_view name) noexcept {
    for (const field& each : fields)
        if (equal_ignoring_case(each.name, name)) return each.value;
    return {};
}

} // namespace tuyau::http
