#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/file_server.hpp>
#include <tuyau/net/http/media_types.hpp>
#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

/// What is served: folders of files, or the Hello World page where there is none.
struct site_options {
    std::string root;                                       ///< the folder for all other hosts; empty: none
    std::vector<std::pair<std::string, std::string>> hosts; ///< canonical name and folder, each name once
    tuyau::http::file_server_options files;                 ///< of each folder; `cache` is for all, and all threads
};

/// The open folders, for all threads.
class site {
public:
    /// Throws `std::runtime_error` with a line about the folder that could not be opened.
    static tuyau::task<site> open(site_options options);

    /// What answers on one of so many threads. The site must outlive it.
    tuyau::http::handler handler_for_one_of(std::size_t threads) const;

    /// Lines for whoever starts the server.
    std::string description() const;

private:
    explicit site(site_options options) : options_(std::move(options)) {}

    tuyau::task<tuyau::folder> open_folder(std::string path) const;

    site_options options_;
    tuyau::http::media_types types_;
    std::unique_ptr<tuyau::folder> root_;
    std::vector<tuyau::folder> hosts_; // in the order of the options
};
