#include <tuyau/net/host_table.hpp>

#include <algorithm>
#include <charconv>

namespace tuyau {
namespace {

std::string_view bare(std::string_view host) {
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
    return host;
}

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool same_host(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

} // namespace

void host_table::add(std::string_view host, std::uint16_t port, std::vector<endpoint> addresses) {
    host = bare(host);
    const auto same = [&](const entry& each) { return each.port == port && same_host(each.host, host); };
    std::erase_if(entries_, same);
    entries_.push_back({std::string(host), port, std::move(addresses)});
}

result<void> host_table::add(std::string_view text) {
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    const std::size_t first = bracket == text.npos ? text.npos : text.find(':', bracket);
    const std::size_t second = first == text.npos ? text.npos : text.find(':', first + 1);
    if (first == 0 || second == text.npos) return failure(std::errc::invalid_argument);
    const auto port = port_of(text.substr(first + 1, second - first - 1));
    if (!port) return failure(std::errc::invalid_argument);
    std::vector<endpoint> addresses;
    for (std::string_view rest = text.substr(second + 1);;) {
        const std::size_t comma = rest.find(',');
        auto address = endpoint::parse(bare(rest.substr(0, comma)), *port);
        if (!address) return failure(std::errc::invalid_argument);
        addresses.push_back(*address);
        if (comma == rest.npos) break;
        rest.remove_prefix(comma + 1);
    }
    add(text.substr(0, first), *port, std::move(addresses));
    return {};
}

const host_table::entry* host_table::entry_of(std::string_view host, std::uint16_t port) const noexcept {
    const auto found = std::ranges::find_if(
        entries_, [&](const entry& each) { return each.port == port && same_host(each.host, host); });
    return found == entries_.end() ? nullptr : &*found;
}

std::span<const endpoint> host_table::find(std::string_view host, std::uint16_t port) const noexcept {
    const entry* found = entry_of(bare(host), port);
    if (found == nullptr) found = entry_of("*", port);
    if (found == nullptr) return {};
    return found->addresses;
}

} // namespace tuyau
