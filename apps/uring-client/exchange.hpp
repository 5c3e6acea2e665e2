#pragma once

#include <chrono>

#include <tuyau/net/http/url.hpp>
#include <tuyau/runtime/task.hpp>

#include "output.hpp"
#include "request.hpp"

namespace uring_client {

struct exchange_options {
    bool show_heads = false; ///< write the heads to the output too, interim ones and trailers among them
    bool head_only = false;  ///< no body is expected
    bool verbose = false;    ///< say on standard error what is sent and received
    std::chrono::milliseconds connect_limit{};
};

/// Connects, sends the request, and writes the response to `out` while it arrives. Done only when the response came
/// whole; otherwise it throws the failure, or `stopped`.
tuyau::task<> exchange(tuyau::http::url where, request asked, exchange_options how, output& out);

} // namespace uring_client
