#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <tuyau/net/endpoint.hpp>

namespace tuyau::http {

/// Counts the connections of each address, so that none has more than its share. Of IPv6 the first 64 bits count, which
/// one customer usually has all to himself (RFC 6177). For any thread.
class address_quota {
    using key = std::array<unsigned char, 8>;
    struct hash {
        std::size_t operator()(const key& address) const noexcept;
    };
    struct share {
        address_quota& owner;
        std::size_t count = 0;
    };
    using shares = std::unordered_map<key, share, hash>;

public:
    /// An address may have so many connections at once.
    explicit address_quota(std::size_t most) noexcept : most_(most) {}
    address_quota(const address_quota&) = delete;
    address_quota& operator=(const address_quota&) = delete;
    ~address_quota() = default;

    /// One connection of an address, until it is destroyed; empty where the address had its share.
    class place {
    public:
        place() noexcept = default;
        place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        place& operator=(place&& other) noexcept {
            std::swap(of_, other.of_);
            return *this;
        }
        ~place();

        explicit operator bool() const noexcept { return of_ != nullptr; }

    private:
        friend class address_quota;
        explicit place(shares::value_type& of) noexcept : of_(&of) {}

        shares::value_type* of_ = nullptr;
    };

    place take(const endpoint& client);

private:
    std::size_t most_;
    std::mutex lock_;
    shares shares_; // of addresses that have connections
};

} // namespace tuyau::http
