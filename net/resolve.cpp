#include <tuyau/net/resolve.hpp>

#include <cerrno>
#include <memory>
#include <netdb.h>
#include <span>

#include <tuyau/runtime/blocking.hpp>

namespace tuyau {
namespace {

class resolve_errors final : public std::error_category {
public:
    const char* name() const noexcept override { return "resolve"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

int native_family(address_family family) {
    switch (family) {
    case address_family::ipv4: return AF_INET;
    case address_family::ipv6: return AF_INET6;
    case address_family::any: break;
    }
    return AF_UNSPEC;
}

/// Those of known addresses that are of the family.
result<std::vector<endpoint>> pick(std::span<const endpoint> addresses, address_family family) {
    std::vector<endpoint> picked;
    for (const endpoint& each : addresses) {
        if (family == address_family::any || each.family() == native_family(family)) picked.push_back(each);
    }
    if (picked.empty()) return failure(std::error_code(EAI_ADDRFAMILY, resolve_category()));
    return picked;
}

result<std::vector<endpoint>> look_up(const std::string& host, std::uint16_t port, address_family family) {
    addrinfo hints{};
    hints.ai_family = native_family(family);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    errno = 0;
    int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (code == EAI_ADDRFAMILY || code == EAI_NONAME) {
        // A machine with no address but loopback's configures none, and must find `localhost` all the same.
        hints.ai_flags = 0;
        code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    }
    // Without a descriptor for its files and sockets it says, of any name, that it is unknown.
    const bool short_of_descriptors = code != 0 && (errno == EMFILE || errno == ENFILE);
    if (code == EAI_SYSTEM || short_of_descriptors) return failure(errno);
    if (code != 0) return failure(std::error_code(code, resolve_category()));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    std::vector<endpoint> addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        if (auto where = endpoint::from_native(each->ai_addr, each->ai_addrlen)) {
            where->set_port(port);
            addresses.push_back(*where);
        }
    }
    if (addresses.empty()) return failure(std::error_code(EAI_NONAME, resolve_category()));
    return addresses;
}

} // namespace

const std::error_category& resolve_category() noexcept {
    static const resolve_errors category;
    return category;
}

task<result<std::vector<endpoint>>> resolve(std::string host, std::uint16_t port, resolve_options options) {
    if (options.overrides != nullptr) {
        const auto known = options.overrides->find(host, port);
        if (!known.empty()) co_return pick(known, options.family);
    }
    std::string_view bare = host;
    if (bare.size() >= 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
    if (auto numeric = endpoint::parse(bare, port)) co_return pick(std::span(&*numeric, 1), options.family);
    if (host.find('\0') != host.npos) co_return failure(std::error_code(EAI_NONAME, resolve_category()));
    // Named, not written in the call below: g++ 12 destroys a lambda's captures twice there.
    auto call = [name = std::move(host), port, family = options.family] { return look_up(name, port, family); };
    auto found = co_await blocking(std::move(call), waits_for::network);
    if (!found) co_return failure(found.error());
    co_return std::move(*found);
}

} // namespace tuyau
