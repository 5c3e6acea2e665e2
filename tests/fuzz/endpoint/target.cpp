// An address and a port as a person writes them, and as the kernel does.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <tuyau/net/endpoint.hpp>

#include "../support/promise.hpp"

using tuyau::endpoint;
using fuzz::require;

namespace {

void check_round_trip(const endpoint& where) {
    const std::string text = where.to_string();
    const auto again = endpoint::parse(text);
    require(again && *again == where, "what an endpoint prints is that endpoint");
    require(again->to_string() == text, "an endpoint prints in one way only");
    const auto apart = endpoint::parse(where.address(), where.port());
    require(apart && *apart == where, "an address and a port are their endpoint");
    const auto native = endpoint::from_native(where.native(), where.native_size());
    require(native && *native == where, "what the kernel is told is the endpoint");
    require(where.is_ipv6() == text.starts_with('['), "brackets are for IPv6");
    endpoint moved = where;
    moved.set_port(static_cast<std::uint16_t>(where.port() + 1));
    require(!(moved == where) && moved.address() == where.address(), "a port is changed alone");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto whole = endpoint::parse(text);
    if (whole)
        check_round_trip(*whole);
    else
        require(whole.error() == std::errc::invalid_argument, "what is no endpoint is an invalid argument");
    constexpr std::uint16_t some_port = 8080;
    const auto address = endpoint::parse(text, some_port);
    if (address) {
        check_round_trip(*address);
        require(address->port() == some_port, "the port is the one that was given");
        require(!whole, "nothing is an address with a port and without");
    } else {
        require(address.error() == std::errc::invalid_argument, "what is no address is an invalid argument");
    }

    sockaddr_storage native{};
    const std::size_t length = std::min(size, sizeof native);
    if (length != 0) std::memcpy(&native, data, length);
    const auto from_kernel =
        endpoint::from_native(reinterpret_cast<const sockaddr*>(&native), static_cast<socklen_t>(length));
    if (!from_kernel) return 0;
    require(length >= static_cast<std::size_t>(from_kernel->native_size()), "no more is read than was given");
    require(from_kernel->address().find_first_of(std::string_view(" \n\0", 3)) == std::string::npos,
            "an address is one word");
    // The zone may be that of an interface that is not there: then nothing can name it.
    if (!from_kernel->is_ipv6() || reinterpret_cast<const sockaddr_in6&>(native).sin6_scope_id == 0)
        check_round_trip(*from_kernel);
    return 0;
}
