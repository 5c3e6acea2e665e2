#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tuyau/runtime/folder.hpp>

namespace tuyau::http {

/// A page for people with links to what a folder holds, folders first, and in the order of the names. `path` is the
/// folder's, as `find_file_path` gives it. What is hidden is left out. `complete`: the folder holds nothing more.
std::string folder_page(std::string_view path, std::vector<folder_entry> entries, bool complete);

} // namespace tuyau::http
