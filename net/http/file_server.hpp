#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tuyau/net/http/file_cache.hpp>
#include <tuyau/net/http/file_path.hpp>
#include <tuyau/net/http/file_resource.hpp>
#include <tuyau/net/http/media_types.hpp>
#include <tuyau/net/http/ranges.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

struct file_server_options {
    file_server_options(); // not in place: g++ 12 then warns of members that it takes for uninitialized

    file_resource_options files;
    std::vector<std::string> index{"index.html"}; ///< names of what answers for a folder, the first that is there
    bool listing = false;                         ///< a page of what a folder holds answers where no index does
    std::size_t cache = 64 * 1024 * 1024;         ///< bytes of small files to keep in memory
    std::size_t open_files = 1000;                ///< descriptors for files that are not so small
    std::chrono::milliseconds cache_time{1000};   ///< how old what is kept may be; then the folder is looked at again
    std::chrono::milliseconds unsettled_cache_time{
        100}; ///< of a file that has just changed, whose next change may not show
};

/// Since the server was made.
struct file_server_counts {
    std::uint64_t loads = 0; ///< files that were read, or opened to be sent: what was not known, or has changed
};

/// A handler that serves the files of a folder to GET and HEAD: with validators and conditions, ranges, compressed
/// siblings, and nothing that is hidden or lies outside. For one loop; `root` and `types` must outlive it.
///
/// A file that is changed while it is sent ends the response short of its length, and with it the connection: what arrives
/// whole is what the file was at one moment.
class file_server {
public:
    file_server(const folder& root, const media_types& types, file_server_options options = {});

    task<> operator()(request& asked, response& reply);

    const file_server_counts& counts() const noexcept { return counts_; }
    std::size_t kept() const noexcept { return cache_.count(); } ///< files that are in memory, or open

private:
    using resource = std::shared_ptr<const file_resource>;

    /// What one request loads for all that want the same meanwhile.
    struct loading {
        event over;
        resource loaded; // null if that failed
    };
    using loadings = std::map<std::string, std::shared_ptr<loading>>; // by path
    class shared_loading;

    std::string_view plain(std::string_view path);
    resource find_kept(std::string_view address);
    resource find_fresh(std::string_view address);
    task<resource> look_up(request& asked, response& reply);
    task<resource> look_into(request& asked, response& reply, const file_path& place);
    task<resource> load(response& reply, std::string path, file opened, const file_status& status, resource known);

    const folder& root_;
    const media_types& types_;
    const file_server_options options_;
    file_cache cache_;
    std::string plain_; // the address of the present request, if that spells it otherwise
    loadings loadings_;
    file_server_counts counts_;
};

} // namespace tuyau::http
