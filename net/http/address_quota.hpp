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
    using counts = std::unordered_map<key, std::size_t, hash>;

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
        place(place&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), count_(std::exchange(other.count_, nullptr)) {}
        place& operator=(place&& other) noexcept {
            std::swap(owner_, other.owner_);
            std::swap(count_, other.count_);
            return *this;
        }
        ~place();

        explicit operator bool() const noexcept { return owner_ != nullptr; }

    private:
        friend class address_quota;
        place(address_quota& owner, counts::value_type& count) noexcept : owner_(&owner), count_(&count) {}

        address_quota* owner_ = nullptr;
        counts::value_type* count_ = nullptr;
    };

    place take(const endpoint& client);

private:
    std::size_t most_;
    std::mutex lock_;
    counts counts_; // of addresses that have connections
};

} // namespace tuyau::http
