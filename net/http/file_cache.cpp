#include <tuyau/net/http/file_cache.hpp>

#include <iterator>
#include <utility>

namespace tuyau::http {
namespace {

constexpr std::size_t bookkeeping = 256; // of an entry: its nodes, and what the allocator adds

} // namespace

file_cache::entry* file_cache::find(std::string_view address) {
    const auto found = by_address_.find(address);
    if (found == by_address_.end()) return nullptr;
    entries& all = list_of(*found->second);
    all.splice(all.begin(), all, found->second);
    return &*found->second;
}

void file_cache::put(std::string_view address, std::shared_ptr<const file_resource> resource,
                     loop::clock::time_point checked) {
    drop(address);
    const std::size_t size = resource->memory() + address.size() + bookkeeping;
    const std::size_t open = resource->open_files();
    if (size > most_ || open > most_open_) return;
    while (open > most_open_ - open_) drop(std::prev(with_files_.end()));
    while (size > most_ - size_) drop(std::prev(in_memory_.empty() ? with_files_.end() : in_memory_.end()));
    entries& all = open == 0 ? in_memory_ : with_files_;
    all.push_front({std::string(address), std::move(resource), checked, size, open});
    by_address_.emplace(all.front().address, all.begin());
    size_ += size;
    open_ += open;
}

void file_cache::drop(std::string_view address) {
    const auto found = by_address_.find(address);
    if (found != by_address_.end()) drop(found->second);
}

void file_cache::close_unused(loop::clock::time_point since) noexcept {
    while (!with_files_.empty() && with_files_.back().checked < since) drop(std::prev(with_files_.end()));
}

void file_cache::drop(entries::iterator place) {
    size_ -= place->size;
    open_ -= place->open;
    by_address_.erase(place->address);
    list_of(*place).erase(place);
}

} // namespace tuyau::http
