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
    entries_.splice(entries_.begin(), entries_, found->second);
    return &*found->second;
}

void file_cache::put(std::string_view address, std::shared_ptr<const file_resource> resource,
                     loop::clock::time_point checked) {
    drop(address);
    const std::size_t size = resource->memory() + address.size() + bookkeeping;
    if (size > most_) return;
    while (size > most_ - size_) drop(std::prev(entries_.end()));
    entries_.push_front({std::string(address), std::move(resource), checked, size});
    by_address_.emplace(entries_.front().address, entries_.begin());
    size_ += size;
}

void file_cache::drop(std::string_view address) {
    const auto found = by_address_.find(address);
    if (found != by_address_.end()) drop(found->second);
}

void file_cache::drop(std::list<entry>::iterator place) {
    size_ -= place->size;
    by_address_.erase(place->address);
    entries_.erase(place);
}

} // namespace tuyau::http
