#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <tuyau/runtime/task.hpp>

namespace uring_client {

/// Behind symbolic links: a link is to go on pointing to the file, not to be replaced by it.
std::filesystem::path follow_links(std::filesystem::path path);

/// Beside `target`, of a name that nobody else uses.
std::filesystem::path temporary_beside(const std::filesystem::path& target);

/// What an interrupted transfer has left of a file: `FILE.part`, and where that came from in `FILE.part.from`.
struct remains {
    std::string url;
    std::string validator; ///< a strong ETag, or the date of Last-Modified: what If-Range takes

    bool operator==(const remains&) const = default;
};

std::filesystem::path part_of(const std::filesystem::path& target);

/// None when there are none that one could go on with.
tuyau::task<std::optional<remains>> find_remains(std::filesystem::path target);

/// Writes FILE.part.from, or removes it. What cannot be written is not there then, and the transfer begins anew.
void note_remains(const std::filesystem::path& target, const remains& left) noexcept;
void forget_remains(const std::filesystem::path& target) noexcept;

} // namespace uring_client
