#include <tuyau/net/resolve.hpp>

#include <cerrno>
#include <memory>
#include <netdb.h>

#include <tuyau/runtime/blocking.hpp>

namespace tuyau {
namespace {

class resolve_errors final : public std::error_category {
public:
    const char* name() const noexcept override { return "resolve"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

result<std::vector<endpoint>> look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
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

task<result<std::vector<endpoint>>> resolve(std::string host, std::uint16_t port) {
    std::string_view bare = host;
    if (bare.size() >= 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
    if (auto numeric = endpoint::parse(bare, port)) co_return std::vector{*numeric};
    if (host.find('\0') != host.npos) co_return failure(std::error_code(EAI_NONAME, resolve_category()));
    // Named, not written in the call below: g++ 12 destroys a lambda's captures twice there.
    auto call = [name = std::move(host), port] { return look_up(name, port); };
    auto found = co_await blocking(std::move(call));
    if (!found) co_return failure(found.error());
    co_return std::move(*found);
}

} // namespace tuyau
