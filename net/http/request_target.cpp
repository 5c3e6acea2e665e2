#include <tuyau/net/http/request_target.hpp>

#include <algorithm>
#include <array>

#include <tuyau/net/http/authority.hpp>
#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

enum class kind : unsigned char { good, bad, percent_sign, question_mark };

constexpr auto kinds = [] {
    std::array<kind, 256> table{};
    for (std::size_t c = 0; c < table.size(); ++c) table[c] = c > ' ' && c < 0x7f ? kind::good : kind::bad;
    for (const unsigned char c : {'"', '#', '<', '>'}) table[c] = kind::bad;
    table['%'] = kind::percent_sign;
    table['?'] = kind::question_mark;
    return table;
}();

constexpr std::string_view no_encoding =
    "A percent sign in the path of the request target encodes nothing (RFC 3986, section 2.1).";

std::string_view fault_in_path(std::string_view path) noexcept {
    bool in_query = false;
    for (std::size_t at = 0; at < path.size(); ++at) {
        switch (kinds[static_cast<unsigned char>(path[at])]) {
        case kind::good: break;
        case kind::bad: return "The request target has a character that belongs in none (RFC 3986, section 2).";
        case kind::question_mark: in_query = true; break;
        case kind::percent_sign:
            if (!in_query && !is_percent_encoding(path, at)) return no_encoding;
        }
    }
    return {};
}

} // namespace

std::string_view fault_in_target(method asked, std::string_view target) noexcept {
    if (asked == HTTP_CONNECT) {
        if (is_authority(target, port_rule::must_have_port)) return {};
        return "CONNECT is to a host and its port (RFC 9112, section 3.2.3).";
    }
    if (target.starts_with('/')) return fault_in_path(target);
    if (target.starts_with('*')) {
        if (asked == HTTP_OPTIONS && target.size() == 1) return {};
        return "An asterisk is the target of OPTIONS only (RFC 9112, section 3.2.4).";
    }
    const auto rest = without_scheme(target);
    if (!rest) return "The request target is neither a path nor an http URI (RFC 9112, section 3.2).";
    const std::size_t end = std::min(rest->find_first_of("/?"), rest->size());
    if (!is_authority(rest->substr(0, end)))
        return "The request target does not name a host as an http URI does (RFC 9110, section 4.2).";
    return fault_in_path(rest->substr(end));
}

} // namespace tuyau::http
