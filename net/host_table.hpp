#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/runtime/result.hpp>

namespace tuyau {

/// Addresses that are told, not looked up: those of a host's port, in the place of what the resolver would say.
class host_table {
public:
    /// `host` is a name or an address, in any case, or `*` for every host that has no entry of its own for that port. An
    /// entry that there was for both is replaced.
    void add(std::string_view host, std::uint16_t port, std::vector<endpoint> addresses);

    /// From `HOST:PORT:ADDRESS[,ADDRESS]…`, as curl's `--resolve` has it: an IPv6 address with brackets or without, those
    /// before a port with; `invalid_argument` for anything else.
    result<void> add(std::string_view text);

    /// None when there is no entry.
    std::span<const endpoint> find(std::string_view host, std::uint16_t port) const noexcept;

private:
    struct entry {
        std::string host;
        std::uint16_t port;
        std::vector<endpoint> addresses;
    };
    const entry* entry_of(std::string_view host, std::uint16_t port) const noexcept;

    std::vector<entry> entries_;
};

} // namespace tuyau
