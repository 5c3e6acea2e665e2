#include "site.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tuyau/net/http/virtual_hosts.hpp>
#include <tuyau/runtime/system.hpp>

#include "hello.hpp"

using namespace tuyau;

namespace {

/// A handler as a plain function object, of a program that cannot be copied.
template <class Program, class... Arguments>
http::handler make_handler(Arguments&&... arguments) {
    auto program = std::make_shared<Program>(std::forward<Arguments>(arguments)...);
    return [program](http::request& asked, http::response& reply) { return (*program)(asked, reply); };
}

const char* advice_on(const std::error_code& trouble) {
    if (trouble == std::errc::no_such_file_or_directory) return " (is the path right?)";
    if (trouble == std::errc::not_a_directory) return " (a folder is what can be served)";
    if (trouble == std::errc::permission_denied)
        return " (this user needs to enter it: the permission x, of each folder above it too)";
    return "";
}

const char* advice_on_listing(const std::error_code& trouble) {
    const bool is_unreadable = trouble == std::errc::permission_denied;
    return is_unreadable ? " (this user needs to read it: the permission r; or leave --listing away)" : "";
}

} // namespace

task<folder> site::open_folder(std::string path) const {
    auto opened = co_await folder::open(path);
    if (!opened) {
        throw std::runtime_error(fmt::format("cannot serve the folder '{}': {}{}", path, opened.error().message(),
                                             advice_on(opened.error())));
    }
    if (options_.files.listing) {
        auto readable = co_await opened->open_file(".");
        if (!readable) {
            throw std::runtime_error(fmt::format("cannot list the folder '{}': {}{}", path, readable.error().message(),
                                                 advice_on_listing(readable.error())));
        }
    }
    co_return std::move(*opened);
}

task<site> site::open(site_options options) {
    site here(std::move(options));
    if (!here.options_.root.empty()) {
        folder root = co_await here.open_folder(here.options_.root);
        here.root_ = std::make_unique<folder>(std::move(root));
    }
    for (const auto& [name, path] : here.options_.hosts) {
        folder opened = co_await here.open_folder(path);
        here.hosts_.push_back(std::move(opened));
    }
    // Without the database the types of the web are known all the same.
    (void)here.types_.add_globs_of(http::media_types::system_globs);
    co_return here;
}

http::handler site::handler_for_one_of(std::size_t threads) const {
    const std::size_t folders = hosts_.size() + (root_ != nullptr ? 1 : 0);
    if (folders == 0) return make_handler<hello>();
    http::file_server_options files = options_.files;
    files.cache /= threads * folders;
    // Most descriptors are for connections.
    files.open_files =
        std::min<std::size_t>(files.open_files, system::descriptor_limit().soft / 8 / (threads * folders));
    const http::handler others =
        root_ != nullptr ? make_handler<http::file_server>(*root_, types_, files) : http::handler();
    if (hosts_.empty()) return others;
    auto by_name = std::make_shared<http::virtual_hosts>(others);
    for (std::size_t index = 0; index < hosts_.size(); ++index)
        by_name->add(options_.hosts[index].first, make_handler<http::file_server>(hosts_[index], types_, files));
    return [by_name](http::request& asked, http::response& reply) { return (*by_name)(asked, reply); };
}

std::string site::description() const {
    if (root_ == nullptr && hosts_.empty()) return "The Hello World page (--root DIR serves a folder)\n";
    std::string text;
    if (root_ != nullptr)
        text += fmt::format("Files of {}{}\n", options_.root, hosts_.empty() ? "" : ", for all other hosts");
    for (const auto& [name, path] : options_.hosts) text += fmt::format("Files of {}, for the host {}\n", path, name);
    const auto& files = options_.files;
    text += fmt::format("For a folder: {}{}; small files are kept in {} MiB of memory\n", fmt::join(files.index, ", "),
                        files.listing ? ", or a list of what is there" : "", files.cache >> 20);
    return text;
}
