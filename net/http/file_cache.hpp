#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <tuyau/net/http/file_resource.hpp>
#include <tuyau/runtime/loop.hpp>

namespace tuyau::http {

/// What small files hold, by the address that was asked for. Bounded: what was not asked for the longest goes first. For
/// one loop.
class file_cache {
public:
    /// Holds so many bytes at most.
    explicit file_cache(std::size_t most) noexcept : most_(most) {}

    struct entry {
        std::string address;
        std::shared_ptr<const file_resource> resource;
        loop::clock::time_point checked; ///< when it was last known to be what the folder has
        std::size_t size = 0;            ///< bytes that it is counted with
    };

    /// Null if there is none. Valid until the next call of `put` or `drop`.
    entry* find(std::string_view address);

    /// Puts it in the place of what has that address, unless it is larger than all that may be held.
    void put(std::string_view address, std::shared_ptr<const file_resource> resource, loop::clock::time_point checked);
    void drop(std::string_view address);

    std::size_t size() const noexcept { return size_; } ///< bytes
    std::size_t count() const noexcept { return entries_.size(); }

private:
    void drop(std::list<entry>::iterator place);

    std::list<entry> entries_; // what was asked for last is in front
    std::unordered_map<std::string_view, std::list<entry>::iterator> by_address_;
    std::size_t most_;
    std::size_t size_ = 0;
};

} // namespace tuyau::http
