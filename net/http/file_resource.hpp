#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tuyau/net/http/content_coding.hpp>
#include <tuyau/net/http/response_batch.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// The content of a file in one coding, as it was at one moment.
struct representation {
    content_coding coding = content_coding::identity;
    file_status status;
    std::string entity_tag;                     ///< weak while the file may change again without telling
    file opened;                                ///< where there is neither `content` nor `copy`
    std::shared_ptr<const std::string> content; ///< all of it, if it is small
    std::shared_ptr<const file> copy;           ///< all of it, in memory, if it is not so small
    std::shared_ptr<prepared_response> whole;   ///< with one of these: all of it with status 200
};

/// A file and its compressed siblings (`page.html.gz` beside `page.html`), as they were at one moment.
struct file_resource {
    std::string media_type;
    std::string cache_control;                   ///< the value of the field; empty: none
    std::vector<representation> representations; ///< the file itself, then its siblings in the order of `codings`
    std::vector<content_coding> codings;         ///< of the siblings, the smallest first
    bool settled = false;                        ///< no change since can have gone unseen

    /// Bytes that it holds, and files.
    std::size_t memory() const noexcept;
    std::size_t open_files() const noexcept;

    /// Whether those of its files that are open are what they were, and still have a name.
    bool is_unchanged() const noexcept;

    /// The fields that a 200, 206 or 304 with `chosen` has (RFC 9110, section 15.4.5).
    std::vector<std::pair<std::string_view, std::string>> describe(const representation& chosen) const;
};

struct file_resource_options {
    std::size_t largest_in_memory = 256 * 1024; ///< bytes; larger files are not read, but opened
    std::string cache_control;
};

/// What `opened`, a regular file at `path` in `root`, is now; `known` itself if it still is that. A sibling that is older
/// than the file, or no smaller, is not one.
task<result<std::shared_ptr<const file_resource>>> load_resource(const folder& root, std::string path, file opened,
                                                                 file_status status, std::string_view media_type,
                                                                 const file_resource_options& options,
                                                                 std::shared_ptr<const file_resource> known);

/// The time of a file's last change as Last-Modified tells it, in whole seconds and never in the future (RFC 9110, section
/// 8.8.2.1).
std::chrono::sys_seconds last_modified(const file_status& status);

} // namespace tuyau::http
