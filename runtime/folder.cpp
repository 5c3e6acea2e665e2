#include <tuyau/runtime/folder.hpp>

#include <utility>

#include <dirent.h>

#include <tuyau/runtime/blocking.hpp>
#include <tuyau/runtime/open_operation.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

/// Of a type as readdir(3) tells it.
file_kind kind_of(unsigned char type) noexcept {
    switch (type) {
    case DT_REG: return file_kind::regular;
    case DT_DIR: return file_kind::folder;
    case DT_UNKNOWN: return file_kind::unknown;
    default: return file_kind::other;
    }
}

} // namespace

task<result<folder>> folder::open(std::string path) {
    auto opened = co_await detail::open_operation(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    if (!opened) co_return failure(opened.error());
    const std::string itself = ".";
    auto entered = co_await detail::open_operation(opened->fd(), itself, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    if (!entered) co_return failure(entered.error());
    co_return folder(std::move(*opened));
}

task<result<file>> folder::open_file(std::string path) const {
    // Without O_NONBLOCK a FIFO would wait for its writer.
    co_return co_await detail::open_operation(opened_.fd(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                              RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

task<result<std::vector<folder_entry>>> folder::list(std::string path, std::size_t most) const {
    auto opened = co_await detail::open_operation(opened_.fd(), path, O_RDONLY | O_DIRECTORY,
                                                  RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    if (!opened) co_return failure(opened.error());
    using listing = result<std::vector<folder_entry>>;
    auto listed = co_await blocking([here = std::move(*opened), most]() mutable -> listing {
        system::folder_entries found;
        const int error = system::read_folder(here.release(), most, found);
        if (error < 0) return failure(-error);
        std::vector<folder_entry> entries;
        entries.reserve(found.size());
        for (auto& [name, type] : found) entries.push_back({std::move(name), kind_of(type)});
        return entries;
    });
    if (!listed) co_return failure(listed.error());
    co_return std::move(*listed);
}

} // namespace tuyau
