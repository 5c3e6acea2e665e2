#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tuyau/net/http/client/client_response.hpp>
#include <tuyau/net/http/client/connector.hpp>

#include "transcript.hpp"

namespace uring_client {

/// What -w can tell of one transfer.
struct transfer_facts {
    using time_point = std::chrono::steady_clock::time_point;

    std::string url;
    std::size_t number = 0; ///< of the URL on the command line, from 0
    std::string method;
    std::string url_effective;
    std::string scheme;
    std::string file;
    int status = 0;
    unsigned minor_version = 0; ///< of HTTP/1
    std::vector<std::pair<std::string, std::string>> fields;
    std::string redirect_url;
    tuyau::http::connection_info connection;
    transcript::counts counts;
    std::uint64_t downloaded = 0; ///< bytes of body, as they came
    std::uint64_t uploaded = 0;
    time_point begun{};
    time_point sent{};
    time_point first_byte{};
    time_point ended{};
    int exit_code = 0;
    std::string error;
};

/// Throws a usage failure for what -w does not know.
void check_write_out(std::string_view format);

/// The text for standard output and the one for standard error.
struct written_out {
    std::string output;
    std::string errors;
};
written_out write_out(std::string_view format, const transfer_facts& facts);

} // namespace uring_client
