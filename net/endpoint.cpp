#include <tuyau/net/endpoint.hpp>

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <net/if.h>
#include <stdexcept>

namespace tuyau {
namespace {

// The longest numeric address, its zone, and the terminating zero that inet_pton(3) wants.
constexpr std::size_t longest_address = INET6_ADDRSTRLEN + 1 + IF_NAMESIZE;

result<std::uint16_t> parse_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return failure(std::errc::invalid_argument);
    return port;
}

} // namespace

endpoint::endpoint() noexcept { native_.ss_family = AF_INET; }

endpoint::endpoint(std::string_view address, std::uint16_t port) {
    auto parsed = parse(address, port);
    if (!parsed) throw std::invalid_argument("'" + std::string(address) + "' is not an IPv4 or IPv6 address");
    *this = *parsed;
}

result<endpoint> endpoint::from_native(const sockaddr* address, socklen_t length) noexcept {
    if (address == nullptr || length < sizeof(sa_family_t)) return failure(EAFNOSUPPORT);
    const bool known = (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) ||
                       (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6));
    if (!known) return failure(EAFNOSUPPORT);
    endpoint where;
    where.native_.ss_family = address->sa_family;
    std::memcpy(&where.native_, address, where.native_size());
    return where;
}

result<endpoint> endpoint::parse(std::string_view address, std::uint16_t port) noexcept {
    if (address.empty() || address.size() >= longest_address) return failure(std::errc::invalid_argument);
    const auto percent = address.find('%');
    std::array<char, longest_address> text{};
    const std::string_view number = address.substr(0, percent);
    if (address.find('\0') != std::string_view::npos) return failure(std::errc::invalid_argument);
    std::memcpy(text.data(), number.data(), number.size());

    endpoint where;
    in_addr v4{};
    if (percent == std::string_view::npos && ::inet_pton(AF_INET, text.data(), &v4) == 1) {
        auto& native = reinterpret_cast<sockaddr_in&>(where.native_);
        native.sin_family = AF_INET;
        native.sin_addr = v4;
        where.set_port(port);
        return where;
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, text.data(), &v6) != 1) return failure(std::errc::invalid_argument);
    auto& native = reinterpret_cast<sockaddr_in6&>(where.native_);
    native.sin6_family = AF_INET6;
    native.sin6_addr = v6;
    if (percent != std::string_view::npos) {
        text.fill(0);
        const std::string_view zone = address.substr(percent + 1);
        std::memcpy(text.data(), zone.data(), zone.size());
        native.sin6_scope_id = ::if_nametoindex(text.data());
        if (native.sin6_scope_id == 0) return failure(std::errc::invalid_argument);
    }
    where.set_port(port);
    return where;
}

result<endpoint> endpoint::parse(std::string_view text) noexcept {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return failure(std::errc::invalid_argument);
    std::string_view address = text.substr(0, colon);
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return failure(port.error());
    const bool bracketed = address.size() >= 2 && address.front() == '[' && address.back() == ']';
    if (bracketed) address = address.substr(1, address.size() - 2);
    auto where = parse(address, *port);
    // An IPv6 address without brackets would be told from its port by guessing.
    if (where && where->is_ipv6() != bracketed) return failure(std::errc::invalid_argument);
    return where;
}

std::uint16_t endpoint::port() const noexcept {
    return ntohs(is_ipv6() ? reinterpret_cast<const sockaddr_in6&>(native_).sin6_port
                           : reinterpret_cast<const sockaddr_in&>(native_).sin_port);
}

void endpoint::set_port(std::uint16_t port) noexcept {
    if (is_ipv6())
        reinterpret_cast<sockaddr_in6&>(native_).sin6_port = htons(port);
    else
        reinterpret_cast<sockaddr_in&>(native_).sin_port = htons(port);
}

std::string endpoint::address() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* source = is_ipv6() ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(native_).sin6_addr)
                                   : static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(native_).sin_addr);
    ::inet_ntop(family(), source, text.data(), text.size());
    std::string address(text.data());
    if (is_ipv6()) {
        std::array<char, IF_NAMESIZE> name{};
        const unsigned zone = reinterpret_cast<const sockaddr_in6&>(native_).sin6_scope_id;
        if (zone != 0 && ::if_indextoname(zone, name.data()) != nullptr) address.append("%").append(name.data());
    }
    return address;
}

std::string endpoint::to_string() const {
    std::string text = address();
    if (is_ipv6()) text.insert(0, 1, '[').push_back(']');
    return text.append(1, ':').append(std::to_string(port()));
}

bool operator==(const endpoint& left, const endpoint& right) noexcept {
    if (left.family() != right.family() || left.port() != right.port()) return false;
    if (!left.is_ipv6()) {
        return reinterpret_cast<const sockaddr_in&>(left.native_).sin_addr.s_addr ==
               reinterpret_cast<const sockaddr_in&>(right.native_).sin_addr.s_addr;
    }
    const auto& one = reinterpret_cast<const sockaddr_in6&>(left.native_);
    const auto& other = reinterpret_cast<const sockaddr_in6&>(right.native_);
    return std::memcmp(&one.sin6_addr, &other.sin6_addr, sizeof one.sin6_addr) == 0 &&
           one.sin6_scope_id == other.sin6_scope_id;
}

} // namespace tuyau
