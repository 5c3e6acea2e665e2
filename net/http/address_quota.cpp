#include <tuyau/net/http/address_quota.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

#include <netinet/in.h>

namespace tuyau::http {
namespace {

/// The first 64 bits; an IPv4 address stands behind zeros, also where IPv6 carries it (RFC 4291, section 2.5.5.2).
std::array<unsigned char, 8> significant_bits(const endpoint& client) noexcept {
    std::array<unsigned char, 8> bits{};
    if (!client.is_ipv6()) {
        std::memcpy(bits.data() + 4, &reinterpret_cast<const sockaddr_in*>(client.native())->sin_addr, 4);
        return bits;
    }
    const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(client.native())->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address) != 0)
        std::memcpy(bits.data() + 4, address.s6_addr + 12, 4);
    else
        std::memcpy(bits.data(), address.s6_addr, bits.size());
    return bits;
}

} // namespace

std::size_t address_quota::hash::operator()(const key& address) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(address.data()), address.size()});
}

address_quota::place address_quota::take(const endpoint& client) {
    const std::lock_guard guard(lock_);
    auto& of = *shares_.try_emplace(significant_bits(client), share{*this}).first;
    if (of.second.count >= most_) return {};
    ++of.second.count;
    return place(of);
}

address_quota::place::~place() {
    if (of_ == nullptr) return;
    address_quota& owner = of_->second.owner;
    const std::lock_guard guard(owner.lock_);
    if (--of_->second.count != 0) return;
    const key address = of_->first; // not the node's own, which goes
    owner.shares_.erase(address);
}

} // namespace tuyau::http
