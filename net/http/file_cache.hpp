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

/// What small files hold, and large files that are open, by the address that was asked for, spelled plainly (see
/// `simplify_path`). Bounded: what was not asked for the longest goes first. For one loop.
class file_cache {
public:
    /// Holds so many bytes at most, and so many open files.
    explicit file_cache(std::size_t most, std::size_t most_open = 0) noexcept : most_(most), most_open_(most_open) {}

    struct entry {
        std::string address;
        std::shared_ptr<const file_resource> resource;
        loop::clock::time_point checked; ///< when it was last known to be what the folder has
        std::size_t size = 0;            ///< bytes that it is counted with
        std::size_t open = 0;            ///< files
    };

    /// Null if there is none. Valid until the next call of another function.
    entry* find(std::string_view address);

    /// Puts it in the place of what has that address, unless it is larger than all that may be held.
    void put(std::string_view address, std::shared_ptr<const file_resource> resource, loop::clock::time_point checked);
    void drop(std::string_view address);

    /// Drops those with open files that nobody has asked for since then.
    void close_unused(loop::clock::time_point since) noexcept;

    std::size_t size() const noexcept { return size_; } ///< bytes
    std::size_t open() const noexcept { return open_; } ///< files
    std::size_t count() const noexcept { return by_address_.size(); }

private:
    using entries = std::list<entry>; // what was asked for last is in front

    entries& list_of(const entry& one) noexcept { return one.open == 0 ? in_memory_ : with_files_; }
    void drop(entries::iterator place);

    entries in_memory_;
    entries with_files_;
    std::unordered_map<std::string_view, entries::iterator> by_address_;
    std::size_t most_;
    std::size_t most_open_;
    std::size_t size_ = 0;
    std::size_t open_ = 0;
};

} // namespace tuyau::http
