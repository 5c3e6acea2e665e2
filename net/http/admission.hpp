#pragma once

#include <utility>

#include <tuyau/net/http/address_quota.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>

namespace tuyau::http {

/// One of the places for connections that servers of several loops share, until it is destroyed.
class shared_place {
public:
    shared_place() noexcept = default;

    /// Takes over a unit that was acquired.
    explicit shared_place(concurrent::semaphore& places) noexcept : places_(&places) {}
    shared_place(shared_place&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    shared_place& operator=(shared_place&& other) noexcept {
        std::swap(places_, other.places_);
        return *this;
    }
    ~shared_place() {
        if (places_ != nullptr) places_->release();
    }

private:
    concurrent::semaphore* places_ = nullptr;
};

/// What a connection was given when it was let in, and gives back when it is over.
struct admission {
    address_quota::place of_its_address;
    shared_place of_all;
};

} // namespace tuyau::http
