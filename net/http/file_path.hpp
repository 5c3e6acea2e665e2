#pragma once

#include <string>
#include <string_view>

#include <tuyau/net/http/refusal.hpp>

namespace tuyau::http {

/// Where in a folder of files the path of a request's target leads.
struct file_path {
    std::string address;    ///< the plain spelling of all that lead there: see `simplify_path`
    std::string path;       ///< relative, without dots, empty parts and slashes at its ends; the folder itself is a dot
    bool is_folder = false; ///< a slash ends it
};

/// Whether a path as `request::path` gives it is spelled plainly: with nothing to decode, and nothing to leave away.
bool is_plain_path(std::string_view path) noexcept;

/// Decodes (RFC 3986, section 2.1) and simplifies (section 5.2.4) such a path into `plain`, whose memory is used again.
/// What is plain already stays as it is. Nothing that it lets through leads out of the folder, or differs from how it was
/// spelled:
///
/// - 400 for a wrong escape, for what leads beyond the beginning, and for an escaped slash or NUL, which no file's name has;
/// - 404 for what is hidden, a part that begins with a dot (but `/.well-known`, RFC 8615), and for a backslash, which other
///   systems take for a slash.
///
/// The status of what it returns tells; it is 0 when the path is good.
refusal simplify_path(std::string_view path, std::string& plain);

/// Where such a path leads, unless there is a reason `why` it leads nowhere: one of those.
struct file_path_result {
    file_path found;
    refusal why{};
};
file_path_result find_file_path(std::string_view path);

/// A path as it stands in a URL: all but slashes and what RFC 3986, section 2.3, calls unreserved is escaped.
std::string encode_path(std::string_view path);

} // namespace tuyau::http
