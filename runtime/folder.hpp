#pragma once

#include <string>
#include <utility>
#include <vector>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

struct folder_entry {
    std::string name;
    file_kind kind = file_kind::unknown; ///< of itself, as it stands in the folder: a symbolic link is `other`

    friend bool operator==(const folder_entry&, const folder_entry&) = default;
};

/// A folder from which files are opened, and nothing beside it: paths are relative to it, and one that leads out of it is
/// an error of the kernel's, whatever has been made of its parts meanwhile (openat2(2), RESOLVE_BENEATH).
///
/// Move-only; may be used by any number of coroutines at a time, of any loop. It stays the same folder when it is renamed.
class folder {
public:
    /// The folder at `path`, which may be anywhere. `not_a_directory` if it is something else, `permission_denied` if this
    /// user may not enter it. Leave to read it is needed for `list` only.
    static task<result<folder>> open(std::string path);

    /// Opens what is at `path` in it for reading: a file, or another folder. Symbolic links are followed, unless they lead
    /// out: `cross_device_link` (EXDEV) then, and for an absolute path, or one with dots beyond the folder itself. Waits
    /// for nobody at the other end of a FIFO.
    task<result<file>> open_file(std::string path) const;

    /// The entries of the folder at `path` in it, without those for itself and for its parent, in no order; the first
    /// `most` of them. Read by a thread for blocking calls. `not_a_directory` if it is something else.
    task<result<std::vector<folder_entry>>> list(std::string path, std::size_t most) const;

private:
    explicit folder(file opened) noexcept : opened_(std::move(opened)) {}

    file opened_;
};

} // namespace tuyau
