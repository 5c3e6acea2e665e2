#include <tuyau/net/http/request_head.hpp>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

/// The path and query of a target.
std::string_view without_host(std::string_view target) noexcept {
    const auto rest = without_scheme(target);
    if (!rest) return target;
    const auto end = rest->find_first_of("/?");
    if (end == std::string_view::npos || (*rest)[end] == '?') return "/";
    return rest->substr(end);
}

std::string_view without_port(std::string_view authority) noexcept {
    const auto literal_end = authority.find(']'); // of an address with colons of its own
    const auto colon = authority.find(':', literal_end == std::string_view::npos ? 0 : literal_end);
    return authority.substr(0, colon);
}

} // namespace

std::optional<std::string_view> without_scheme(std::string_view target) noexcept {
    if (target.starts_with('/')) return std::nullopt; // most are
    for (const std::string_view scheme : {"http://", "https://"})
        if (equal_ignoring_case(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
    return std::nullopt;
}

std::string_view request_head::path() const noexcept {
    const std::string_view whole = target.starts_with('/') ? target : without_host(target); // most do
    return whole.substr(0, whole.find('?'));
}

std::string_view request_head::host() const noexcept {
    if (method == HTTP_CONNECT) return without_port(target);
    const auto rest = without_scheme(target);
    return without_port(rest ? rest->substr(0, rest->find_first_of("/?")) : value_of("host"));
}

std::string_view value_of(std::span<const field> fields, std::string_view name) noexcept {
    for (const field& each : fields)
        if (equal_ignoring_case(each.name, name)) return each.value;
    return {};
}

} // namespace tuyau::http
