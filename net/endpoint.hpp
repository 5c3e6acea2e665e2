#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

#include <tuyau/runtime/result.hpp>

namespace tuyau {

/// An IPv4 or IPv6 address and a port: one end of a TCP connection. A value; prints and parses as `127.0.0.1:8080` and
/// `[::1]:8080` (RFC 3986, section 3.2.2).
class endpoint {
public:
    /// 0.0.0.0:0
    endpoint() noexcept;

    /// `address` is numeric, IPv4 or IPv6, without brackets, with an IPv6 zone if it needs one (`fe80::1%eth0`). Throws
    /// `std::invalid_argument` for anything else.
    endpoint(std::string_view address, std::uint16_t port);

    /// From what the kernel says of a socket; `EAFNOSUPPORT` for other families.
    static result<endpoint> from_native(const sockaddr* address, socklen_t length) noexcept;

    /// From `ADDRESS:PORT`; `std::errc::invalid_argument` for anything else.
    static result<endpoint> parse(std::string_view text) noexcept;

    /// From a numeric address without a port.
    static result<endpoint> parse(std::string_view address, std::uint16_t port) noexcept;

    bool is_ipv6() const noexcept { return native_.ss_family == AF_INET6; }
    int family() const noexcept { return native_.ss_family; }
    std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;

    /// The address alone: `127.0.0.1`, `::1`.
    std::string address() const;

    std::string to_string() const;

    const sockaddr* native() const noexcept { return reinterpret_cast<const sockaddr*>(&native_); }
    socklen_t native_size() const noexcept { return is_ipv6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

    friend bool operator==(const endpoint& left, const endpoint& right) noexcept;

private:
    sockaddr_storage native_{};
};

} // namespace tuyau
