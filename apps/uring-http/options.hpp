#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/http/server.hpp>

#include "site.hpp"

struct options {
    std::vector<tuyau::endpoint> listen;
    std::size_t threads = 0; ///< 0: on the command line, one a processor
    site_options site;
    tuyau::http::server_limits limits; ///< of the threads together
    std::string access_log;            ///< a file, or `-` for standard output; empty: none
    bool doctor = false;               ///< to say what this machine allows, and serve nothing
};

/// What the command line says. Without options it is already done: help or the version was printed, or what is wrong was
/// said in one line on standard error, and `exit_code` is how to end.
std::optional<options> read_options(int argc, char** argv, int& exit_code);
