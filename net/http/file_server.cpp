#include <tuyau/net/http/file_server.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/error_page.hpp>
#include <tuyau/net/http/file_response.hpp>
#include <tuyau/net/http/folder_page.hpp>

namespace tuyau::http {
namespace {

constexpr std::string_view allowed = "GET, HEAD, OPTIONS";
constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view nothing_here = "There is nothing at this address.";
constexpr std::chrono::seconds longest_unused{60}; // that a file is kept open
constexpr std::size_t most_entries = 10'000;       // of a listing: a page of about a megabyte

struct opened_file {
    file opened;
    file_status status;
};

task<result<opened_file>> open_and_look(const folder& root, std::string path) {
    auto opened = co_await root.open_file(std::move(path));
    if (!opened) co_return failure(opened.error());
    auto status = opened->status();
    if (!status) co_return failure(status.error());
    co_return opened_file{std::move(*opened), *status};
}

/// Whether the trouble is not with the file, but of the moment.
bool is_shortage(const std::error_code& trouble) noexcept {
    const int number = trouble.value();
    return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS;
}

/// Answers for a file that could not be opened or read.
void refuse(response& reply, const std::error_code& trouble) {
    if (is_shortage(trouble)) {
        reply.add_field("Retry-After", "1");
        return reply.send_error(503, "The server has too much to do at this moment.");
    }
    switch (trouble.value()) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:  // a socket
    case EINVAL: // a name that this file system does not have
        return reply.send_error(404, nothing_here);
    case EACCES:
    case EPERM:
    case EXDEV: // a link that leads out of the folder
        return reply.send_error(403, "What is at this address is not for you to see.");
    default: return reply.send_error(500, "The server could not read what is at this address.");
    }
}

std::string_view query_of(std::string_view target) noexcept {
    const auto begin = target.find('?');
    return begin == std::string_view::npos ? std::string_view() : target.substr(begin);
}

/// To the same address with a slash behind it, from which the links of a folder's page start. Made from the path that was
/// understood: what came may begin with two slashes, and would lead to another host.
void redirect(const request& asked, response& reply, const file_path& place) {
    reply.set_status(301);
    reply.add_field("Location", fmt::format("/{}/{}", encode_path(place.path), query_of(asked.target)));
    reply.send(html, error_page(301, "What is here has a slash at the end of its address."));
}

} // namespace

file_server_options::file_server_options() = default;

file_server::file_server(const folder& root, const media_types& types, file_server_options options)
    : root_(root), types_(types), options_(std::move(options)), cache_(options_.cache, options_.open_files) {}

task<> file_server::operator()(request& asked, response& reply) {
    switch (asked.method) {
    case HTTP_GET:
    case HTTP_HEAD: break;
    case HTTP_OPTIONS:
        reply.add_field("Allow", allowed);
        reply.set_status(204);
        reply.send();
        co_return;
    default:
        reply.add_field("Allow", allowed);
        reply.send_error(405, "What is here can be read, and nothing else.");
        co_return;
    }
    resource found = find_fresh(plain(asked.path()));
    if (found == nullptr) found = co_await look_up(asked, reply);
    if (found == nullptr || answer_from_memory(asked, reply, *found)) co_return;
    co_await answer_from_file(asked, reply, *found);
}

/// Holds, while it lives, that others may wait for what is loaded from `path`. If somebody else loads from there, nothing.
class file_server::shared_loading {
public:
    shared_loading(loadings& all, const std::string& path) : all_(all) {
        const auto [place, is_new] = all.try_emplace(path, nullptr);
        if (!is_new) return;
        own_ = place;
        place->second = std::make_shared<loading>();
    }
    shared_loading(const shared_loading&) = delete;
    shared_loading& operator=(const shared_loading&) = delete;
    ~shared_loading() {
        if (own_ == all_.end()) return;
        own_->second->over.set();
        all_.erase(own_);
    }

    void give(const resource& loaded) noexcept {
        if (own_ != all_.end()) own_->second->loaded = loaded;
    }

private:
    loadings& all_;
    loadings::iterator own_ = all_.end();
};

/// The one address of all the ways in which a path may be spelled; empty if it leads nowhere. Valid until the next call.
std::string_view file_server::plain(std::string_view path) {
    if (is_plain_path(path)) [[likely]]
        return path;
    return simplify_path(path, plain_).status == 0 ? std::string_view(plain_) : std::string_view();
}

file_server::resource file_server::find_kept(std::string_view address) {
    const file_cache::entry* known = cache_.find(address);
    return known == nullptr ? nullptr : known->resource;
}

/// What is known of the address, unless it is time to look again.
file_server::resource file_server::find_fresh(std::string_view address) {
    file_cache::entry* known = cache_.find(address);
    if (known == nullptr) return nullptr;
    const auto longest =
        known->resource->settled ? options_.cache_time : std::min(options_.cache_time, options_.unsettled_cache_time);
    const bool fresh = loop::current().now() - known->checked < longest && known->resource->is_unchanged();
    return fresh ? known->resource : nullptr;
}

/// Without a file there the response is already said.
task<file_server::resource> file_server::look_up(request& asked, response& reply) {
    auto place = find_file_path(asked.path());
    if (place.why.status != 0) {
        reply.send_error(place.why.status, place.why.reason);
        co_return nullptr;
    }
    const std::string& address = place.found.address;
    resource known;
    if (file_cache::entry* kept = cache_.find(address)) {
        known = kept->resource;
        kept->checked = loop::current().now(); // one looks, and others need not wait for it
    }
    cache_.close_unused(loop::current().now() - longest_unused);
    auto there = co_await open_and_look(root_, place.found.path);
    if (!there && known != nullptr && is_shortage(there.error()) && known->is_unchanged()) co_return known;
    resource found;
    if (!there) {
        if (is_shortage(there.error())) cache_.close_unused(loop::clock::time_point::max());
        refuse(reply, there.error());
    } else if (there->status.kind == file_kind::folder) {
        there->opened = file();
        found = co_await look_into(asked, reply, place.found);
    } else if (there->status.kind != file_kind::regular || place.found.is_folder) {
        reply.send_error(404, nothing_here);
    } else {
        known = find_kept(address); // which another request may have loaded meanwhile
        found = co_await load(reply, std::move(place.found.path), std::move(there->opened), there->status, known);
    }
    if (found == nullptr)
        cache_.drop(address);
    else if (found != known)
        cache_.put(address, found, loop::current().now());
    co_return found;
}

/// What answers for a folder.
task<file_server::resource> file_server::look_into(request& asked, response& reply, const file_path& place) {
    if (!place.is_folder) {
        redirect(asked, reply, place);
        co_return nullptr;
    }
    for (const std::string& name : options_.index) {
        std::string path = fmt::format("{}/{}", place.path, name);
        auto there = co_await open_and_look(root_, path);
        if (!there && there.error() == std::errc::no_such_file_or_directory) continue;
        if (!there) {
            refuse(reply, there.error());
            co_return nullptr;
        }
        if (there->status.kind != file_kind::regular) continue;
        co_return co_await load(reply, std::move(path), std::move(there->opened), there->status,
                                find_kept(place.address));
    }
    if (!options_.listing) {
        reply.send_error(404, nothing_here);
        co_return nullptr;
    }
    auto entries = co_await root_.list(place.path, most_entries + 1);
    if (!entries) {
        refuse(reply, entries.error());
        co_return nullptr;
    }
    const bool complete = entries->size() <= most_entries;
    if (!complete) entries->pop_back();
    reply.add_field("Cache-Control", "no-cache");
    reply.send(html, folder_page(place.path, std::move(*entries), complete));
    co_return nullptr;
}

task<file_server::resource> file_server::load(response& reply, std::string path, file opened, const file_status& status,
                                              resource known) {
    if (known != nullptr && !known->settled) known.reset(); // it may have changed and still look the same
    if (const auto another = loadings_.find(path); another != loadings_.end()) {
        const std::shared_ptr<loading> awaited = another->second;
        auto over = co_await awaited->over.wait();
        if (!over) {
            refuse(reply, over.error());
            co_return nullptr;
        }
        const resource& loaded = awaited->loaded;
        if (loaded != nullptr && loaded->representations.front().status == status) co_return loaded;
    }
    shared_loading shared(loadings_, path);
    const std::string_view type = types_.of(path);
    auto loaded =
        co_await load_resource(root_, std::move(path), std::move(opened), status, type, options_.files, known);
    if (!loaded) {
        refuse(reply, loaded.error());
        co_return nullptr;
    }
    if (*loaded != known) ++counts_.loads;
    shared.give(*loaded);
    co_return std::move(*loaded);
}

} // namespace tuyau::http
