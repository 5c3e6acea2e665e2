#include <tuyau/net/http/request.hpp>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {

std::string_view request::path() const noexcept {
    std::string_view path = target;
    for (std::string_view scheme : {"http://", "https://"}) {
        if (!equal_ignoring_case(path.substr(0, scheme.size()), scheme)) continue;
        path.remove_prefix(scheme.size());
        const auto end = path.find_first_of("/?");
        if (end == std::string_view::npos || path[end] == '?') return "/";
        path.remove_prefix(end);
        break;
    }
    return path.substr(0, path.find('?'));
}

std::string_view value_of(std::span<const field> fields, std::string_view name) noexcept {
    for (const field& each : fields)
        if (equal_ignoring_case(each.name, name)) return each.value;
    return {};
}

} // namespace tuyau::http
