#include <tuyau/net/http/client/proxy_settings.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau::http {
namespace {

constexpr std::uint16_t default_proxy_port = 1080; // curl's

std::span<const unsigned char> bytes_of(const endpoint& address) {
    if (address.is_ipv6()) {
        const auto* native = reinterpret_cast<const sockaddr_in6*>(address.native());
        return native->sin6_addr.s6_addr;
    }
    const auto* native = reinterpret_cast<const sockaddr_in*>(address.native());
    return {reinterpret_cast<const unsigned char*>(&native->sin_addr), sizeof native->sin_addr};
}

std::string_view without_brackets(std::string_view text) {
    return text.size() > 1 && text.front() == '[' && text.back() == ']' ? text.substr(1, text.size() - 2) : text;
}

bool is_in_network(const endpoint& host, std::string_view network) {
    const std::size_t slash = network.find('/');
    const auto address = endpoint::parse(without_brackets(network.substr(0, slash)), 0);
    if (!address || address->is_ipv6() != host.is_ipv6()) return false;
    const auto mine = bytes_of(host);
    const auto its = bytes_of(*address);
    unsigned bits = static_cast<unsigned>(its.size() * 8);
    if (slash != std::string_view::npos) {
        const auto digits = network.substr(slash + 1);
        unsigned wanted = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), wanted);
        if (error != std::errc() || end != digits.data() + digits.size() || wanted > bits) return false;
        bits = wanted;
    }
    for (std::size_t i = 0; i < its.size() && bits != 0; ++i) {
        const unsigned here = std::min(bits, 8u);
        if (((mine[i] ^ its[i]) >> (8 - here)) != 0) return false;
        bits -= here;
    }
    return true;
}

std::string_view without_last_dot(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

/// The name itself, or one below it.
bool is_within(std::string_view host, std::string_view domain) {
    if (domain.starts_with('.')) domain.remove_prefix(1);
    domain = without_last_dot(domain);
    if (domain.empty() || host.size() < domain.size()) return false;
    const auto end = host.substr(host.size() - domain.size());
    if (!equal_ignoring_case(end, domain)) return false;
    return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

std::string variable(std::initializer_list<const char*> names) {
    for (const char* each : names)
        if (const auto value = system::environment(each); !value.empty()) return std::string(value);
    return {};
}

/// Neither a URL nor its parts may be left out silently: what is set and no proxy is told.
tl::expected<url, std::string> read_proxy(std::string_view text) {
    auto proxy = parse_url(text);
    if (!proxy && proxy.error().what == url_error::kind::unsupported)
        return tl::unexpected(
            fmt::format("the proxy '{}' is of a kind that is not supported, only http and https are", text));
    if (!proxy)
        return tl::unexpected(
            fmt::format("'{}' is no proxy: at byte {}, {}", text, proxy.error().offset, proxy.error().text));
    const std::size_t scheme = text.find("://");
    const auto rest = text.substr(scheme == std::string_view::npos ? 0 : scheme + 3);
    const auto authority = rest.substr(0, rest.find_first_of("/?#"));
    const auto host = authority.substr(authority.rfind('@') == std::string_view::npos ? 0 : authority.rfind('@') + 1);
    const auto after = host.substr(host.rfind(']') == std::string_view::npos ? 0 : host.rfind(']') + 1);
    const bool names_port = after.find(':') != std::string_view::npos && !after.ends_with(':');
    if (!names_port && !proxy->secure) proxy->port = default_proxy_port;
    proxy->target.assign(1, '/');
    return std::move(*proxy);
}

} // namespace

bool detail::is_listed(std::string_view list, std::string_view host) {
    if (trim(list) == "*") return true;
    const auto address = endpoint::parse(host, 0);
    host = without_last_dot(host);
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of(", \t"), list.size());
        const auto each = list.substr(0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        if (each.empty()) continue;
        if (address ? is_in_network(*address, each) : is_within(host, each)) return true;
    }
    return false;
}

proxy_settings proxy_settings::from_environment() {
    proxy_settings found;
    found.http = variable({"http_proxy"});
    found.https = variable({"https_proxy", "HTTPS_PROXY"});
    found.all = variable({"all_proxy", "ALL_PROXY"});
    found.none_for = variable({"no_proxy", "NO_PROXY"});
    return found;
}

tl::expected<std::optional<url>, std::string> proxy_settings::proxy_for(const url& where) const {
    const std::string& own = where.secure ? https : http;
    const std::string& text = own.empty() ? all : own;
    if (text.empty() || detail::is_listed(none_for, where.host)) return std::nullopt;
    auto proxy = read_proxy(text);
    if (!proxy) return tl::unexpected(std::move(proxy.error()));
    return std::move(*proxy);
}

} // namespace tuyau::http
